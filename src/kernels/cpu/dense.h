#pragma once

#include <cstddef>
#include <vector>

#include "kernels/cpu/epilogue.h"
#include "kernels/cpu/panels.h"

// Fully connected layer, y {batch, units} = x {batch, channels} weight^T + bias: on the register tiles of gemm.h with
// packed weights, or, for a few samples and a large matrix, on weights as they are (dense_rows.h).
namespace fovea::cpu {

class Dense {
 public:
  Dense(int64_t batch, int64_t channels, int64_t units);

  // Whether load() copies the weights; if not, they must stay where they are until the next load().
  bool packs() const { return !in_place_; }
  // Takes weight {units, channels} for forward and, if asked, for input gradients.
  void load(const float* weight, bool for_input_gradient);

  void forward(const float* x, const Epilogue& epilogue, float* y) const;
  void input_gradient(const float* dy, float* dx) const;
  // dbias may be null.
  void weight_gradient(const float* x, const float* dy, float* dweight, float* dbias) const;

 private:
  int64_t batch_, channels_, units_;
  bool in_place_;
  const float* weight_ = nullptr;
  Panels forward_panels_;   // [channels] x [units]
  Panels gradient_panels_;  // [units] x [channels]
  std::vector<float> packed_forward_;
  std::vector<float> packed_gradient_;
  std::vector<int64_t> ascending_;    // 0, 1, 2 ...
  std::vector<int64_t> unit_starts_;  // of every unit's weights
};

}  // namespace fovea::cpu
