#include "kernels/cpu/conv.h"

#include <algorithm>
#include <cstring>

#include "fovea/parallel.h"
#include "kernels/cpu/gemm.h"

namespace fovea::cpu {

namespace {

constexpr int64_t outer_block = 192;  // pixels of a weight-gradient tile: their gradients stay in the first cache
constexpr int64_t outer_rows = 64;    // window elements of one weight-gradient task

// First elements of the windows of output pixels first, first + 1, ... in the padded pictures.
void find_windows(const ConvShape& s, const float* padded, int64_t first, int64_t count, const float** windows) {
  int64_t j = first % s.out_width;
  int64_t i = first / s.out_width % s.out_height;
  int64_t n = first / (s.out_width * s.out_height);
  while (count > 0) {
    const int64_t row = (n * s.padded_height() + i * s.stride_height) * s.padded_width();
    const int64_t end = std::min(s.out_width, j + count);
    count -= end - j;
    for (; j < end; ++j) *windows++ = padded + (row + j * s.stride_width) * s.channels;
    j = 0;
    if (++i == s.out_height) i = 0, ++n;
  }
}

Padding pictures_of(const ConvShape& s) {
  return {.batch = s.batch,
          .height = s.height,
          .width = s.width,
          .channels = s.channels,
          .top = s.top,
          .bottom = s.bottom,
          .left = s.left,
          .right = s.right};
}

WindowShape forward_windows(const ConvShape& s) {
  WindowShape windows = {.batch = s.batch,
                         .rows = s.out_height,
                         .columns = s.out_width,
                         .windows = {.picture = s.padded_height() * s.padded_width() * s.channels,
                                     .row = s.stride_height * s.padded_width() * s.channels,
                                     .column = s.stride_width * s.channels},
                         .outputs = {.picture = s.out_height * s.out_width * s.filters,
                                     .row = s.out_width * s.filters,
                                     .column = s.filters},
                         .groups = s.groups,
                         .in_channels = s.group_channels(),
                         .out_channels = s.group_filters()};
  for (int64_t a = 0; a < s.kernel_height; ++a) {
    for (int64_t b = 0; b < s.kernel_width; ++b) {
      windows.taps.push_back((a * s.dilation_height * s.padded_width() + b * s.dilation_width) * s.channels);
    }
  }
  return windows;
}

std::vector<int64_t> ascending(int64_t count) {
  std::vector<int64_t> values;
  for (int64_t i = 0; i < count; ++i) values.push_back(i);
  return values;
}

}  // namespace

Conv::Conv(const ConvShape& shape)
    : shape_(shape),
      padding_(pictures_of(shape)),
      forward_(forward_windows(shape)),
      tap_order_(ascending(shape.taps())) {
  const ConvShape& s = shape_;
  window_size_ = s.taps() * s.group_channels();
  for (const int64_t tap : forward_windows(s).taps) {
    for (int64_t c = 0; c < s.group_channels(); ++c) window_offsets_.push_back(tap + c);
  }
  // Large weights are split among tasks by window element; small ones by pixel, each part summed on its own.
  constexpr int64_t large = 65536;
  if (window_size_ * s.group_filters() < large) partitions_ = std::clamp<int64_t>(s.out_pixels() / outer_block, 1, 16);
}

void Conv::load(const float* weight) {
  const ConvShape& s = shape_;
  forward_.load(weight, tap_order_, s.taps(), window_size_, s.group_filters() * window_size_);
}

size_t Conv::forward_scratch() const { return padding_.floats(); }

void Conv::forward(const float* x, const Epilogue& epilogue, float* y, float* scratch) const {
  forward_.run(padding_.padded(x, scratch), epilogue, y);
}

size_t Conv::weight_gradient_scratch() const {
  const ConvShape& s = shape_;
  return padding_.floats() + static_cast<size_t>(partitions_ * s.groups * (window_size_ + 1) * s.group_filters());
}

void Conv::weight_gradient(const float* x, const float* dy, float* dweight, float* dbias, float* scratch) const {
  const ConvShape& s = shape_;
  const float* in = padding_.padded(x, scratch);
  const int64_t window_size = window_size_;
  const int64_t filters = s.group_filters();
  const int64_t part_size = (window_size + 1) * filters;  // the last row is the bias: a window element that is one
  float* const parts = scratch + padding_.floats();       // [partition][group][window element][filter]
  const int64_t blocks = (window_size + 1 + outer_rows - 1) / outer_rows;
  const int64_t pixels_per_part = (s.out_pixels() + partitions_ - 1) / partitions_;
  parallel_for(partitions_ * s.groups * blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t first_row = task % blocks * outer_rows;
      const int64_t row_count = std::min(outer_rows, window_size - first_row);
      const int64_t g = task / blocks % s.groups;
      const int64_t partition = task / blocks / s.groups;
      const int64_t first = partition * pixels_per_part;
      const int64_t last = std::min(first + pixels_per_part, s.out_pixels());
      float* const part = parts + (partition * s.groups + g) * part_size;
      if (first >= last)
        std::fill_n(part + first_row * filters, std::min(outer_rows, window_size + 1 - first_row) * filters, 0.0F);
      for (int64_t p = first; p < last; p += outer_block) {
        const int64_t count = std::min(outer_block, last - p);
        const float* gradient = dy + p * s.filters + g * filters;
        const float* a[outer_block];
        find_windows(s, in + g * s.group_channels(), p, count, a);
        if (row_count > 0) {
          outer_gemm(a, window_offsets_.data() + first_row, row_count, count, gradient, s.filters,
                     part + first_row * filters, filters, p != first);
        }
        if (first_row + row_count == window_size && row_count < outer_rows) {
          static constexpr float one = 1.0F;
          static constexpr int64_t zero_offset = 0;
          std::fill_n(a, count, &one);
          outer_gemm(a, &zero_offset, 1, count, gradient, s.filters, part + window_size * filters, filters, p != first);
        }
      }
    }
  });
  // Sum the partitions in order, and from [window element][filter] to PyTorch's order.
  constexpr int64_t filters_per_task = 8;  // reads and writes both move along cache lines
  parallel_for((s.filters + filters_per_task - 1) / filters_per_task, 1, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin * filters_per_task; k < std::min(end * filters_per_task, s.filters); ++k) {
      const float* const column = parts + k / filters * part_size + k % filters;
      const auto total = [&](int64_t row) {
        float sum = 0;
        for (int64_t part = 0; part < partitions_; ++part) sum += column[part * s.groups * part_size + row * filters];
        return sum;
      };
      for (int64_t c = 0; c < s.group_channels(); ++c) {
        for (int64_t tap = 0; tap < s.taps(); ++tap) {
          dweight[(k * s.group_channels() + c) * s.taps() + tap] = total(tap * s.group_channels() + c);
        }
      }
      if (dbias) dbias[k] = total(window_size);
    }
  });
}

}  // namespace fovea::cpu
