#pragma once

#include <cstdint>

namespace fovea {

// Everything a convolution's loops need. x {batch,depth,height,width,channels},
// y {batch,out_depth,out_height,out_width,filters}, weight {filters, channels/groups, kernel_depth, kernel_height,
// kernel_width}. Axes that are not there are one long: depth of a picture, height of a sequence.
struct ConvShape {
  int64_t batch = 1, depth = 1, height = 1, width = 1, channels = 1;
  int64_t filters = 1, kernel_depth = 1, kernel_height = 1, kernel_width = 1;
  int64_t stride_depth = 1, stride_height = 1, stride_width = 1;
  int64_t dilation_depth = 1, dilation_height = 1, dilation_width = 1;
  int64_t front = 0, back = 0, top = 0, bottom = 0, left = 0, right = 0;
  int64_t groups = 1;
  int64_t out_depth = 1, out_height = 1, out_width = 1;
  int64_t out_stride = 0;  // floats from pixel to pixel of y, where it is a slice of a wider value; 0: filters

  int64_t out_pixel() const { return out_stride > 0 ? out_stride : filters; }
  int64_t group_channels() const { return channels / groups; }
  int64_t group_filters() const { return filters / groups; }
  int64_t taps() const { return kernel_depth * kernel_height * kernel_width; }
  int64_t pixels() const { return batch * depth * height * width; }
  int64_t out_pixels() const { return batch * out_depth * out_height * out_width; }
  int64_t padded_depth() const { return depth + front + back; }
  int64_t padded_height() const { return height + top + bottom; }
  int64_t padded_width() const { return width + left + right; }
  bool is_padded() const { return front != 0 || back != 0 || top != 0 || bottom != 0 || left != 0 || right != 0; }
  bool is_depthwise() const { return groups == channels && filters == channels && groups > 1; }
  // Windows of one plane, which kernels for pictures take.
  bool is_flat() const { return depth == 1 && out_depth == 1 && kernel_depth == 1 && front == 0 && back == 0; }
};

// The same with planes that do not meet in any window as pictures of their own.
inline ConvShape flattened(ConvShape s) {
  if (s.kernel_depth == 1 && s.stride_depth == 1 && s.front == 0 && s.back == 0 && s.out_depth == s.depth) {
    s.batch *= s.depth;
    s.depth = s.out_depth = 1;
  }
  return s;
}

}  // namespace fovea
