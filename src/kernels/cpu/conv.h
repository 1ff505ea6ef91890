#pragma once

#include <cstddef>
#include <vector>

#include "kernels/conv_shape.h"
#include "kernels/cpu/epilogue.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/panels.h"

// Convolution as implicit matrix multiplication. In a channels-last picture a window's row is one run of
// kernel_width * channels consecutive floats, so the register tiles of gemm.h read windows in place and no matrix
// of windows is ever built. Padding is made real first, by a copy into scratch, so that every window is inside.
namespace fovea::cpu {

class Conv {
 public:
  explicit Conv(const ConvShape& shape);

  // Packs weight (PyTorch's order) for forward and, if asked, for input gradients.
  void load(const float* weight, bool for_input_gradient);

  size_t forward_scratch() const;  // floats
  void forward(const float* x, const Epilogue& epilogue, float* y, float* scratch) const;

  size_t backward_scratch() const;  // floats, for both of the following
  void input_gradient(const float* dy, float* dx, float* scratch) const;
  // dbias may be null.
  void weight_gradient(const float* x, const float* dy, float* dweight, float* dbias, float* scratch) const;

 private:
  Runs window_runs() const;
  size_t padded_floats() const;
  // x itself, or its padded copy in scratch.
  const float* padded(const float* x, float* scratch) const;
  int64_t gradient_block() const;
  int64_t images_per_task() const;

  ConvShape shape_;
  Panels forward_panels_;             // [taps * group_channels] x [group_filters]
  Panels gradient_panels_;            // [group_filters] x [taps * group_channels]
  std::vector<int64_t> run_offsets_;  // see Runs in gemm.h
  int64_t run_length_ = 0;
  std::vector<int64_t> window_offsets_;  // of every element of a window, in the order (row, column, channel)
  std::vector<int64_t> filter_offsets_;  // of every filter of a group in its weights
  std::vector<int64_t> weight_offsets_;  // of every window element in a filter's weights
  int64_t partitions_ = 1;               // of the pixels, for weight gradients
  std::vector<float> packed_forward_;    // all groups
  std::vector<float> packed_gradient_;
};

}  // namespace fovea::cpu
