#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "kernels/conv_shape.h"
#include "kernels/cpu/conv.h"
#include "kernels/cpu/epilogue.h"

// Convolution of pictures with few channels: a network's first layer. With so few channels or filters the vectors of
// conv.h stay half empty, so here neighbouring pixels fill them. Each channel of a padded picture is laid out as one
// plane; in a plane every tap of the window is the same run of pixels, shifted, and goes on from row to row. The few
// outputs whose windows straddle two rows are computed like the others and dropped.
namespace fovea::cpu {

struct DirectLoops;

class DirectConv {
 public:
  // Whether this is possible and the faster way.
  static bool suits(const ConvShape& shape);

  // For shapes that suit. A first layer's input gradient is rarely wanted: it is left to the matrix multiplication.
  DirectConv(const ConvShape& shape, bool input_gradient, bool weight_gradient);

  // Weights are in PyTorch's order, {filters, channels, kernel_height, kernel_width}, and stay where they are.
  void load(const float* weight);
  bool packs() const { return false; }
  const char* name() const { return "direct: few channels"; }

  size_t scratch() const;  // floats, for each of the following
  // Adds no residual.
  void forward(const float* x, const Epilogue& epilogue, float* y, float* scratch) const;
  // The transposed convolution, which is the input's gradient, and the epilogue.
  void transposed(const float* dy, const Epilogue& epilogue, float* dx, float* scratch) const {
    input_gradient_->run(dy, epilogue, dx, scratch);
  }
  void input_gradient(const float* dy, float* dx, float* scratch) const { transposed(dy, {}, dx, scratch); }
  // dbias may be null.
  void weight_gradient(const float* x, const float* dy, float* dweight, float* dbias, float* scratch) const;

 private:
  size_t planes_floats() const;
  void make_planes(const float* x, float* planes) const;
  int64_t picture_floats() const { return shape_.channels * shape_.padded_height() * shape_.padded_width(); }
  int64_t positions() const { return (shape_.out_height - 1) * shape_.padded_width() + shape_.out_width; }
  int64_t sums() const { return shape_.filters * (static_cast<int64_t>(tap_offsets_.size()) + 1); }
  DirectLoops loops() const;

  ConvShape shape_;
  bool weight_gradient_;
  std::optional<ConvInputGradient> input_gradient_;
  const float* weight_ = nullptr;
  int64_t lanes_;
  std::vector<int64_t> tap_offsets_;  // of each element of a filter in the planes, from the window's first pixel
  int64_t partitions_;                // of the pictures, for weight gradients
};

}  // namespace fovea::cpu
