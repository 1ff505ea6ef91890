#pragma once

#include <cstdint>

namespace fovea {

// Everything a 2-D convolution's loops need. x {batch,height,width,channels}, y {batch,out_height,out_width,filters},
// weight {filters, channels/groups, kernel_height, kernel_width}.
struct ConvShape {
  int64_t batch = 1, height = 1, width = 1, channels = 1;
  int64_t filters = 1, kernel_height = 1, kernel_width = 1;
  int64_t stride_height = 1, stride_width = 1;
  int64_t dilation_height = 1, dilation_width = 1;
  int64_t top = 0, bottom = 0, left = 0, right = 0;
  int64_t groups = 1;
  int64_t out_height = 1, out_width = 1;
  int64_t out_stride = 0;  // floats from pixel to pixel of y, where it is a slice of a wider value; 0: filters

  int64_t out_pixel() const { return out_stride > 0 ? out_stride : filters; }
  int64_t group_channels() const { return channels / groups; }
  int64_t group_filters() const { return filters / groups; }
  int64_t taps() const { return kernel_height * kernel_width; }
  int64_t out_pixels() const { return batch * out_height * out_width; }
  int64_t padded_height() const { return height + top + bottom; }
  int64_t padded_width() const { return width + left + right; }
  bool is_padded() const { return top != 0 || bottom != 0 || left != 0 || right != 0; }
  bool is_depthwise() const { return groups == channels && filters == channels && groups > 1; }
};

}  // namespace fovea
