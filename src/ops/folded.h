#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "fovea/op.h"
#include "fovea/tensor.h"
#include "kernels/cpu/epilogue.h"
#include "ops/tail.h"

namespace fovea {

// The parameters of a convolution or dense layer, with the batch norm or the scale of its tail folded in:
//   weight[k] gamma[k] / deviation[k]   and   (bias[k] - mean[k]) gamma[k] / deviation[k] + beta[k]
// for every filter k, where deviation = sqrt(variance + epsilon) (Jacob et al. 2018, section 3.2); or weight[k]
// scale[k] and bias[k] scale[k].
class FoldedParameters {
 public:
  // tail may be null. Parameters are weight {filters, ...}, bias if `bias`, then those of the batch norm or the scale.
  FoldedParameters(const Tail* tail, bool bias, int64_t filters, int64_t weights_per_filter);

  // Call load() of a kernel with the weights it returns: the parameter itself, or what `buffer`, which grows, holds.
  const float* load(std::span<const float* const> parameters, Tensor& buffer);
  bool folds() const { return tail_.folds(); }

  // Of one step: its inputs end with the residual if the tail has one. Call load() first.
  cpu::Epilogue epilogue(const Step<float>& step) const;

 private:
  Tail tail_;
  bool has_bias_;
  int64_t filters_;
  int64_t weights_per_filter_;
  std::vector<float> bias_;
};

}  // namespace fovea
