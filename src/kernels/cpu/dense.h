#pragma once

#include <cstdint>

#include "kernels/cpu/epilogue.h"
#include "kernels/cpu/window_gemm.h"

// Fully connected layer, y {batch, units} = x {batch, channels} weight^T + bias: by window_gemm.h with packed
// weights, or, for a few samples and a large matrix, on weights as they are (dense_rows.h).
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
  WindowGemm forward_;
  WindowGemm gradient_;
};

}  // namespace fovea::cpu
