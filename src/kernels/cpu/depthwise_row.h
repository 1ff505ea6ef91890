#pragma once

#include "kernels/cpu/depthwise.h"

namespace fovea::cpu {

constexpr int64_t depthwise_block = 16;  // channels whose weights lie together: the lanes of the widest vector

// Where a pass reads: pictures that lie one after the other, or some rows of one in a ring.
struct DepthwiseInput {
  const float* data = nullptr;  // channel first_channel
  int64_t first_channel = 0;
  int64_t pixel = 1;  // floats from pixel to pixel
  int64_t ring = 0;   // rows of it: row r of the picture is row r % ring; 0: all rows are there
};

// Output row `row` of picture n in channels [first, last) of a pass, `first` a multiple of depthwise_block; the output
// has `channels`. On one thread.
void depthwise_row(const DepthwisePass& pass, int64_t channels, int64_t n, int64_t row, int64_t first, int64_t last,
                   const DepthwiseInput& in, const Epilogue& epilogue, float* out);

// The taps [first, last) of a window that lie in the picture, `start` being where its first tap lies.
struct TapRange {
  int64_t first, last;
};
inline TapRange taps_inside(int64_t start, int64_t dilation, int64_t kernel, int64_t extent) {
  const int64_t first = start < 0 ? (-start + dilation - 1) / dilation : 0;
  const int64_t last = start < extent ? (extent - start + dilation - 1) / dilation : 0;
  return {first, last < first ? first : (last < kernel ? last : (first < kernel ? kernel : first))};
}

}  // namespace fovea::cpu
