#pragma once

#include <cstdint>

#include "fovea/tensor.h"
#include "kernels/conv_shape.h"
#include "kernels/cpu/depthwise.h"
#include "kernels/cpu/epilogue.h"
#include "kernels/cpu/panels.h"

// A pointwise convolution that widens a picture, and the depthwise one that reads it (the inverted residuals of
// MobileNet and EfficientNet). The wide picture never exists: a few of its rows, in the channels of one panel of
// weights, lie in a ring in the first cache, and a depthwise window moves down over them.
namespace fovea::cpu {

class ExpandedDepthwise {
 public:
  // Whether the first layer is pointwise, the second depthwise, and enough rows fit the ring.
  static bool suits(const ConvShape& expansion, const ConvShape& depthwise);

  ExpandedDepthwise(const ConvShape& expansion, const ConvShape& depthwise);

  // Packs the weights, in PyTorch's order.
  void load(const float* expansion, const float* depthwise);

  // Epilogues without residuals.
  void forward(const float* x, const Epilogue& expansion, const Epilogue& depthwise, float* y) const;

 private:
  struct Step;

  void run_band(const Step& step, int64_t picture, int64_t panel, int64_t first_row, int64_t last_row) const;
  void expand(const Step& step, int64_t picture, int64_t panel, int64_t first_row, int64_t last_row, float* ring) const;

  ConvShape expansion_;
  Depthwise depthwise_;
  Panels panels_;
  Tensor packed_;
  int64_t ring_rows_ = 0;
};

}  // namespace fovea::cpu
