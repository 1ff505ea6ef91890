#pragma once

#include <algorithm>
#include <cstdint>

namespace fovea {

// Geometry of a pooling. Every window holds at least one pixel.
struct PoolShape {
  int64_t batch, height, width, channels;  // x {batch, height, width, channels}
  int64_t out_height, out_width;           // y {batch, out_height, out_width, channels}
  int64_t kernel_height, kernel_width;
  int64_t stride_height, stride_width;
  int64_t top, bottom, left, right;  // padding
  bool count_include_pad;            // whether the average divides by padding as well
  bool adaptive = false;  // windows of unequal extents share the picture out; then kernel is the largest one,
                          // stride 1 and padding 0
  int64_t out_stride = 0;  // floats from pixel to pixel of y, where it is a slice of a wider value; 0: channels

  int64_t out_pixel() const { return out_stride > 0 ? out_stride : channels; }
};

// The pixels of the picture that one output sees, and what an average over them divides by.
struct PoolWindow {
  int64_t top, bottom, left, right;  // rows [top, bottom), columns [left, right)
  int64_t divisor;
};

// Window i of `windows` that share out n pixels evenly: [floor(i n / windows), ceil((i + 1) n / windows)).
inline int64_t share_begin(int64_t n, int64_t windows, int64_t i) { return i * n / windows; }
inline int64_t share_end(int64_t n, int64_t windows, int64_t i) { return ((i + 1) * n + windows - 1) / windows; }

inline PoolWindow pool_window(const PoolShape& s, int64_t out_row, int64_t out_column) {
  if (s.adaptive) {
    PoolWindow w{share_begin(s.height, s.out_height, out_row), share_end(s.height, s.out_height, out_row),
                 share_begin(s.width, s.out_width, out_column), share_end(s.width, s.out_width, out_column), 0};
    w.divisor = (w.bottom - w.top) * (w.right - w.left);
    return w;
  }
  const int64_t row = out_row * s.stride_height - s.top;
  const int64_t column = out_column * s.stride_width - s.left;
  PoolWindow w{std::max<int64_t>(row, 0), std::min(row + s.kernel_height, s.height), std::max<int64_t>(column, 0),
               std::min(column + s.kernel_width, s.width), 0};
  w.divisor = (w.bottom - w.top) * (w.right - w.left);
  if (s.count_include_pad) {  // but nothing beyond the padding, where ceil_mode lets a window reach
    w.divisor = (std::min(row + s.kernel_height, s.height + s.bottom) - row) *
                (std::min(column + s.kernel_width, s.width + s.right) - column);
  }
  return w;
}

}  // namespace fovea
