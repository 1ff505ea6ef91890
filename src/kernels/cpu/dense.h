#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/cpu/epilogue.h"
#include "kernels/cpu/window_gemm.h"

// Fully connected layer, y {batch, units} = x {batch, channels} weight^T + bias: by window_gemm.h with packed
// weights, or, for a few samples and a large matrix, on weights as they are (dense_rows.h).
namespace fovea::cpu {

struct DenseShape {
  int64_t batch = 1, channels = 1, units = 1;
};

class Dense {
 public:
  Dense(const DenseShape& shape, bool input_gradient, bool weight_gradient);

  // Whether load() copies the weights; if not, they must stay where they are until the next load().
  bool packs() const { return !in_place_; }
  const char* name() const { return in_place_ ? "weights in place: few samples" : "implicit gemm"; }
  // Takes weight {units, channels}.
  void load(const float* weight);

  size_t scratch() const { return 0; }
  void forward(const float* x, const Epilogue& epilogue, float* y, float* scratch) const;
  void input_gradient(const float* dy, float* dx, float* scratch) const;
  // dbias may be null.
  void weight_gradient(const float* x, const float* dy, float* dweight, float* dbias, float* scratch) const;

 private:
  int64_t batch_, channels_, units_;
  bool input_gradient_;
  bool in_place_;
  const float* weight_ = nullptr;
  WindowGemm forward_;
  WindowGemm gradient_;
};

}  // namespace fovea::cpu
