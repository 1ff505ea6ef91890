#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/conv_shape.h"
#include "kernels/cpu/epilogue.h"

// Depthwise convolution (groups = channels = filters): every channel has its own window of weights and nothing is
// summed over channels, so channels are the lanes and windows are read in place.
namespace fovea::cpu {

// One axis of a pass. Output i is the sum over a < kernel of w(a) in(i * stride + a * dilation - before), where
// `in` is zero outside [0, extent).
struct DepthwiseAxis {
  int64_t extent;
  int64_t kernel, stride, dilation, before;
  int64_t count;                    // of outputs
  int64_t out_extent, first, step;  // output i lies at first + i * step of out_extent
  int64_t first_tap, tap_step;      // w(a) is the layer's weight first_tap + a * tap_step
};

// Forward is one pass. The input's gradient is one per phase of the strides: the input pixels that meet the same taps.
struct DepthwisePass {
  DepthwiseAxis rows, columns;
  std::vector<float> weights;  // [channels / 16, rounded up][tap][16]

  int64_t taps() const { return rows.kernel * columns.kernel; }
};

class Depthwise {
 public:
  // Whether the layer is such a one.
  static bool suits(const ConvShape& shape) { return shape.is_flat() && shape.is_depthwise(); }

  Depthwise(const ConvShape& shape, bool input_gradient, bool weight_gradient);

  // Packs weight {channels, 1, row, column}.
  void load(const float* weight);
  bool packs() const { return true; }
  const char* name() const { return "depthwise: one channel a filter"; }

  const DepthwisePass& forward_pass() const { return forward_.front(); }

  size_t scratch() const;  // floats, for weight_gradient
  void forward(const float* x, const Epilogue& epilogue, float* y, float* scratch) const;
  // The transposed convolution, which is the input's gradient, and the epilogue.
  void transposed(const float* dy, const Epilogue& epilogue, float* dx, float* scratch) const;
  void input_gradient(const float* dy, float* dx, float* scratch) const { transposed(dy, {}, dx, scratch); }
  // dbias may be null.
  void weight_gradient(const float* x, const float* dy, float* dweight, float* dbias, float* scratch) const;

 private:
  void run(const std::vector<DepthwisePass>& passes, const float* in, const Epilogue& epilogue, float* out) const;

  ConvShape shape_;
  bool weight_gradient_;
  std::vector<DepthwisePass> forward_;
  std::vector<DepthwisePass> gradient_;
};

}  // namespace fovea::cpu
