#include "kernels/cpu/conv.h"

#include <algorithm>

#include "fovea/parallel.h"
#include "kernels/cpu/column_sums.h"
#include "kernels/cpu/outer_gemm.h"

namespace fovea::cpu {

namespace {

// First elements of the windows of output pixels first, first + 1, ... in the padded pictures.
void find_windows(const ConvShape& s, const float* padded, int64_t first, int64_t count, const float** windows) {
  int64_t j = first % s.out_width;
  int64_t i = first / s.out_width % s.out_height;
  int64_t plane = first / (s.out_width * s.out_height) % s.out_depth;
  int64_t n = first / (s.out_width * s.out_height * s.out_depth);
  while (count > 0) {
    const int64_t row =
        ((n * s.padded_depth() + plane * s.stride_depth) * s.padded_height() + i * s.stride_height) * s.padded_width();
    const int64_t end = std::min(s.out_width, j + count);
    count -= end - j;
    for (; j < end; ++j) *windows++ = padded + (row + j * s.stride_width) * s.channels;
    j = 0;
    if (++i < s.out_height) continue;
    i = 0;
    if (++plane == s.out_depth) plane = 0, ++n;
  }
}

// Of the first `columns` taps in each row of a window, from its first pixel.
std::vector<int64_t> tap_offsets(const ConvShape& s, int64_t columns) {
  std::vector<int64_t> offsets;
  for (int64_t e = 0; e < s.kernel_depth; ++e) {
    for (int64_t a = 0; a < s.kernel_height; ++a) {
      const int64_t row = e * s.dilation_depth * s.padded_height() + a * s.dilation_height;
      for (int64_t b = 0; b < columns; ++b) {
        offsets.push_back((row * s.padded_width() + b * s.dilation_width) * s.channels);
      }
    }
  }
  return offsets;
}

std::vector<int64_t> ascending(int64_t count) {
  std::vector<int64_t> values;
  for (int64_t i = 0; i < count; ++i) values.push_back(i);
  return values;
}

}  // namespace

Padding padding_of(const ConvShape& s) {
  return {.batch = s.batch,
          .depth = s.depth,
          .height = s.height,
          .width = s.width,
          .channels = s.channels,
          .front = s.front,
          .back = s.back,
          .top = s.top,
          .bottom = s.bottom,
          .left = s.left,
          .right = s.right};
}

WindowShape windows_of(const ConvShape& s) {
  const int64_t in_row = s.padded_width() * s.channels;
  const int64_t in_plane = s.padded_height() * in_row;
  const int64_t out_row = s.out_width * s.out_pixel();
  const int64_t out_plane = s.out_height * out_row;
  return {.batch = s.batch,
          .planes = s.out_depth,
          .rows = s.out_height,
          .columns = s.out_width,
          .windows = {.volume = s.padded_depth() * in_plane,
                      .plane = s.stride_depth * in_plane,
                      .row = s.stride_height * in_row,
                      .column = s.stride_width * s.channels},
          .outputs = {.volume = s.out_depth * out_plane, .plane = out_plane, .row = out_row, .column = s.out_pixel()},
          .taps = tap_offsets(s, s.kernel_width),
          .groups = s.groups,
          .in_channels = s.group_channels(),
          .out_channels = s.group_filters()};
}

Conv::Conv(const ConvShape& shape, bool input_gradient, bool weight_gradient)
    : shape_(shape),
      weight_gradient_(weight_gradient),
      padding_(padding_of(shape)),
      forward_(windows_of(shape)),
      tap_order_(ascending(shape.taps())) {
  const ConvShape& s = shape_;
  if (input_gradient) input_gradient_.emplace(shape);
  window_size_ = s.taps() * s.group_channels();
  const bool rows_are_runs = s.dilation_width == 1 && s.groups == 1;
  run_offsets_ = tap_offsets(s, rows_are_runs ? 1 : s.kernel_width);
  run_length_ = (rows_are_runs ? s.kernel_width : 1) * s.group_channels();
  // Weights that make few tasks are split by pixel too, each part summed on its own.
  constexpr int64_t enough_tasks = 16;
  const int64_t tasks = s.groups * ((s.group_filters() + outer_rows - 1) / outer_rows) *
                        ((window_size_ + outer_columns - 1) / outer_columns);
  partitions_ = std::clamp<int64_t>(s.out_pixels() / outer_pixels, 1, (enough_tasks + tasks - 1) / tasks);
}

void Conv::load(const float* weight) {
  const ConvShape& s = shape_;
  forward_.load(weight, tap_order_, s.taps(), window_size_, s.group_filters() * window_size_);
  if (input_gradient_) input_gradient_->load(weight);
}

void Conv::forward(const float* x, const Epilogue& epilogue, float* y, float* scratch) const {
  forward_.run(padding_.padded(x, scratch), epilogue, y);
}

size_t Conv::scratch() const {
  const ConvShape& s = shape_;
  int64_t sums = 0;
  if (weight_gradient_) {
    sums = std::max(partitions_ * s.filters * window_size_, column_sums_scratch(s.out_pixels(), s.filters));
  }
  return std::max(padding_.elements() + static_cast<size_t>(sums), input_gradient_ ? input_gradient_->scratch() : 0);
}

// Each task has some filters, some elements of their windows and some pixels.
void Conv::weight_gradient(const float* x, const float* dy, float* dweight, float* dbias, float* scratch) const {
  const ConvShape& s = shape_;
  const float* const in = padding_.padded(x, scratch);
  float* const parts = scratch + padding_.elements();  // [partition][filter][window element]
  const int64_t filters = s.group_filters();
  const int64_t row_blocks = (filters + outer_rows - 1) / outer_rows;
  const int64_t column_blocks = (window_size_ + outer_columns - 1) / outer_columns;
  const Runs runs = {run_offsets_.data(), static_cast<int64_t>(run_offsets_.size()), run_length_};
  parallel_for(partitions_ * s.groups * row_blocks * column_blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t first_column = task % column_blocks * outer_columns;
      const int64_t first_row = task / column_blocks % row_blocks * outer_rows;
      const int64_t g = task / (column_blocks * row_blocks) % s.groups;
      const int64_t partition = task / (column_blocks * row_blocks * s.groups);
      const int64_t filter = g * filters + first_row;
      float* const part = parts + (partition * s.filters + filter) * window_size_ + first_column;
      const float* a[outer_pixels];
      const float* b[outer_pixels];
      OuterProduct product = {.a = a,
                              .b = b,
                              .runs = runs,
                              .pixels = 0,
                              .rows = std::min(outer_rows, filters - first_row),
                              .first = first_column,
                              .columns = std::min(outer_columns, window_size_ - first_column)};
      const int64_t first = partition * s.out_pixels() / partitions_;
      const int64_t last = (partition + 1) * s.out_pixels() / partitions_;
      for (int64_t p = first; p < last; p += outer_pixels) {
        product.pixels = std::min(outer_pixels, last - p);
        for (int64_t m = 0; m < product.pixels; ++m) a[m] = dy + (p + m) * s.filters + filter;
        find_windows(s, in + g * s.group_channels(), p, product.pixels, b);
        outer_gemm(product, part, window_size_, p != first);
      }
    }
  });
  // Sum the partitions in order, and from [tap][channel] to PyTorch's [channel][tap].
  parallel_for(s.filters, 16, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      float* const sum = parts + k * window_size_;
      for (int64_t part = 1; part < partitions_; ++part) {
        const float* const addend = sum + part * s.filters * window_size_;
        for (int64_t i = 0; i < window_size_; ++i) sum[i] += addend[i];
      }
      float* const to = dweight + k * window_size_;
      for (int64_t tap = 0; tap < s.taps(); ++tap) {
        for (int64_t c = 0; c < s.group_channels(); ++c) to[c * s.taps() + tap] = sum[tap * s.group_channels() + c];
      }
    }
  });
  if (dbias) column_sums(s.out_pixels(), s.filters, dy, dbias, parts);
}

}  // namespace fovea::cpu
