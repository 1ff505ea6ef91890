#pragma once

#include <algorithm>
#include <cstdint>

namespace fovea {

// Geometry of a pooling. Every window holds at least one pixel. Axes that are not there are one long: depth of a
// picture, height of a sequence.
struct PoolShape {
  int64_t batch = 1, depth = 1, height = 1, width = 1, channels = 1;  // x {batch, depth, height, width, channels}
  int64_t out_depth = 1, out_height = 1, out_width = 1;  // y {batch, out_depth, out_height, out_width, channels}
  int64_t kernel_depth = 1, kernel_height = 1, kernel_width = 1;
  int64_t stride_depth = 1, stride_height = 1, stride_width = 1;
  int64_t front = 0, back = 0, top = 0, bottom = 0, left = 0, right = 0;  // padding
  bool count_include_pad = false;  // whether the average divides by padding as well
  bool adaptive = false;           // windows of unequal extents share the picture out; then kernel is the largest one,
                                   // stride 1 and padding 0
  int64_t out_stride = 0;          // floats from pixel to pixel of y, where it is a slice of a wider value; 0: channels

  int64_t out_pixel() const { return out_stride > 0 ? out_stride : channels; }
};

// The pixels of one axis that a window sees.
struct PoolSpan {
  int64_t begin, end;
  int64_t counted;  // what an average divides by

  int64_t size() const { return end - begin; }
};

// Window i of `windows` that share out n pixels evenly: [floor(i n / windows), ceil((i + 1) n / windows)).
inline PoolSpan pool_share(int64_t n, int64_t windows, int64_t i) {
  const int64_t begin = i * n / windows;
  const int64_t end = ((i + 1) * n + windows - 1) / windows;
  return {begin, end, end - begin};
}

// Window i of an axis of n pixels. What ceil_mode lets it reach beyond the padding counts for nothing.
inline PoolSpan pool_span(int64_t n, int64_t kernel, int64_t stride, int64_t before, int64_t after, bool include_pad,
                          int64_t i) {
  const int64_t first = i * stride - before;
  const int64_t begin = std::max<int64_t>(first, 0);
  const int64_t end = std::min(first + kernel, n);
  return {begin, end, include_pad ? std::min(first + kernel, n + after) - first : end - begin};
}

inline PoolSpan plane_span(const PoolShape& s, int64_t i) {
  if (s.adaptive) return pool_share(s.depth, s.out_depth, i);
  return pool_span(s.depth, s.kernel_depth, s.stride_depth, s.front, s.back, s.count_include_pad, i);
}
inline PoolSpan row_span(const PoolShape& s, int64_t i) {
  if (s.adaptive) return pool_share(s.height, s.out_height, i);
  return pool_span(s.height, s.kernel_height, s.stride_height, s.top, s.bottom, s.count_include_pad, i);
}
inline PoolSpan column_span(const PoolShape& s, int64_t i) {
  if (s.adaptive) return pool_share(s.width, s.out_width, i);
  return pool_span(s.width, s.kernel_width, s.stride_width, s.left, s.right, s.count_include_pad, i);
}

}  // namespace fovea
