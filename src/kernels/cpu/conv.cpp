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

// Inner rows of the padded pictures [first, last): copied to or from the unpadded ones.
template <class Copy>
void for_each_row(const ConvShape& s, int64_t n, const Copy& copy) {
  for (int64_t i = 0; i < s.height; ++i) {
    copy((n * s.height + i) * s.width * s.channels,
         ((n * s.padded_height() + i + s.top) * s.padded_width() + s.left) * s.channels);
  }
}

}  // namespace

Conv::Conv(const ConvShape& shape) : shape_(shape) {
  const ConvShape& s = shape_;
  const int64_t window_size = s.taps() * s.group_channels();
  forward_panels_ = make_panels(window_size, s.group_filters());
  gradient_panels_ = make_panels(s.group_filters(), window_size);
  for (int64_t a = 0; a < s.kernel_height; ++a) {
    for (int64_t b = 0; b < s.kernel_width; ++b) {
      const int64_t tap = (a * s.dilation_height * s.padded_width() + b * s.dilation_width) * s.channels;
      const bool starts_run = b == 0 || s.dilation_width != 1 || s.groups != 1;
      if (starts_run) run_offsets_.push_back(tap);
      for (int64_t c = 0; c < s.group_channels(); ++c) {
        window_offsets_.push_back(tap + c);
        weight_offsets_.push_back(c * s.taps() + a * s.kernel_width + b);
      }
    }
  }
  for (int64_t k = 0; k < s.group_filters(); ++k) filter_offsets_.push_back(k * window_size);
  run_length_ = window_size / static_cast<int64_t>(run_offsets_.size());
  // Large weights are split among tasks by window element; small ones by pixel, each part summed on its own.
  constexpr int64_t large = 65536;
  if (window_size * s.group_filters() < large) partitions_ = std::clamp<int64_t>(s.out_pixels() / outer_block, 1, 16);
}

Runs Conv::window_runs() const { return {run_offsets_.data(), static_cast<int64_t>(run_offsets_.size()), run_length_}; }

size_t Conv::padded_floats() const {
  const ConvShape& s = shape_;
  return s.is_padded() ? static_cast<size_t>(s.batch * s.padded_height() * s.padded_width() * s.channels) : 0;
}

const float* Conv::padded(const float* x, float* scratch) const {
  const ConvShape& s = shape_;
  if (!s.is_padded()) return x;
  parallel_for(s.batch, 1, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      const int64_t picture = s.padded_height() * s.padded_width() * s.channels;
      std::fill_n(scratch + n * picture, picture, 0.0F);
      for_each_row(s, n, [&](int64_t from, int64_t to) {
        std::memcpy(scratch + to, x + from, static_cast<size_t>(s.width * s.channels) * sizeof(float));
      });
    }
  });
  return scratch;
}

void Conv::load(const float* weight, bool for_input_gradient) {
  const ConvShape& s = shape_;
  const int64_t filter_size = forward_panels_.rows;
  const auto pack = [&](const Panels& panels, std::vector<float>& packed, const auto& rows, const auto& columns) {
    packed.resize(static_cast<size_t>(panels.floats() * s.groups));
    for (int64_t g = 0; g < s.groups; ++g) {
      pack_panels(panels, weight + g * s.group_filters() * filter_size, rows.data(), columns.data(),
                  packed.data() + g * panels.floats());
    }
  };
  pack(forward_panels_, packed_forward_, weight_offsets_, filter_offsets_);
  if (for_input_gradient) pack(gradient_panels_, packed_gradient_, filter_offsets_, weight_offsets_);
}

size_t Conv::forward_scratch() const { return padded_floats(); }

void Conv::forward(const float* x, const Epilogue& epilogue, float* y, float* scratch) const {
  const ConvShape& s = shape_;
  const float* in = padded(x, scratch);
  const int64_t blocks = (s.out_pixels() + row_block - 1) / row_block;
  const int64_t block = (s.out_pixels() + blocks - 1) / blocks;
  // Few pixels (late layers, batch one): split the filters as well.
  const int64_t panels_per_task = blocks >= 16 ? forward_panels_.count() : 1;
  const int64_t splits = (forward_panels_.count() + panels_per_task - 1) / panels_per_task;
  parallel_for(blocks * splits, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t first = task / splits * block;
      const int64_t count = std::min(block, s.out_pixels() - first);
      const int64_t first_panel = task % splits * panels_per_task;
      const int64_t last_panel = std::min(first_panel + panels_per_task, forward_panels_.count());
      const float* windows[row_block];
      find_windows(s, in, first, count, windows);
      for (int64_t g = 0; g < s.groups; ++g) {
        const float* a[row_block];
        float* out[row_block];
        const float* residual[row_block];
        const int64_t first_filter = g * s.group_filters();
        for (int64_t m = 0; m < count; ++m) {
          a[m] = windows[m] + g * s.group_channels();
          out[m] = y + (first + m) * s.filters + first_filter;
          residual[m] = epilogue.residual + (epilogue.residual ? (first + m) * s.filters + first_filter : 0);
        }
        Epilogue of_group = epilogue;
        if (epilogue.bias) of_group.bias += first_filter;
        row_gemm(a, count, window_runs(), forward_panels_, packed_forward_.data() + g * forward_panels_.floats(),
                 of_group, epilogue.residual ? residual : nullptr, out, first_panel, last_panel);
      }
    }
  });
}

// Pixels whose window gradients are computed together, kept small enough for the second cache.
int64_t Conv::gradient_block() const {
  constexpr int64_t cached_floats = 65536;
  return std::clamp<int64_t>(cached_floats / gradient_panels_.columns, 8, row_block);
}

int64_t Conv::images_per_task() const {
  const int64_t pixels = shape_.out_height * shape_.out_width;
  return std::max<int64_t>(1, row_block / pixels);
}

size_t Conv::backward_scratch() const {
  const ConvShape& s = shape_;
  const int64_t tasks = (s.batch + images_per_task() - 1) / images_per_task();
  const int64_t windows = tasks * gradient_block() * gradient_panels_.columns;
  const int64_t partial = partitions_ * s.groups * (forward_panels_.rows + 1) * s.group_filters();
  return padded_floats() + static_cast<size_t>(std::max(windows, partial));
}

// Each pixel's gradient times the weights gives the gradient of its window, which is added where the window lies.
// A task owns whole pictures, so the order of the additions is fixed.
void Conv::input_gradient(const float* dy, float* dx, float* scratch) const {
  const ConvShape& s = shape_;
  float* const sum = s.is_padded() ? scratch : dx;
  float* const windows = scratch + padded_floats();
  const int64_t picture = s.padded_height() * s.padded_width() * s.channels;
  const int64_t pixels = s.out_height * s.out_width;
  const int64_t window_size = gradient_panels_.columns;
  const int64_t zero_offset = 0;
  const int64_t images = images_per_task();
  parallel_for((s.batch + images - 1) / images, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t first_image = task * images;
      const int64_t last_image = std::min(first_image + images, s.batch);
      float* const window_gradient = windows + task * gradient_block() * window_size;
      std::fill_n(sum + first_image * picture, (last_image - first_image) * picture, 0.0F);
      for (int64_t p = first_image * pixels; p < last_image * pixels; p += gradient_block()) {
        const int64_t count = std::min(gradient_block(), last_image * pixels - p);
        const float* starts[row_block];
        find_windows(s, sum, p, count, starts);
        for (int64_t g = 0; g < s.groups; ++g) {
          const float* a[row_block];
          float* out[row_block];
          for (int64_t m = 0; m < count; ++m) {
            a[m] = dy + (p + m) * s.filters + g * s.group_filters();
            out[m] = window_gradient + m * window_size;
          }
          row_gemm(a, count, Runs{&zero_offset, 1, s.group_filters()}, gradient_panels_,
                   packed_gradient_.data() + g * gradient_panels_.floats(), {}, nullptr, out, 0,
                   gradient_panels_.count());
          for (int64_t m = 0; m < count; ++m) {
            add_runs(out[m], window_runs(), const_cast<float*>(starts[m]) + g * s.group_channels());
          }
        }
      }
      for (int64_t n = first_image; s.is_padded() && n < last_image; ++n) {
        for_each_row(s, n, [&](int64_t to, int64_t from) {
          std::memcpy(dx + to, sum + from, static_cast<size_t>(s.width * s.channels) * sizeof(float));
        });
      }
    }
  });
}

void Conv::weight_gradient(const float* x, const float* dy, float* dweight, float* dbias, float* scratch) const {
  const ConvShape& s = shape_;
  const float* in = padded(x, scratch);
  const int64_t window_size = forward_panels_.rows;
  const int64_t filters = s.group_filters();
  const int64_t part_size = (window_size + 1) * filters;  // the last row is the bias: a window element that is one
  float* const parts = scratch + padded_floats();         // [partition][group][window element][filter]
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
