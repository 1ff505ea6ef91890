// The weight gradient of depthwise convolution: dweight(a, b) = sum over outputs of dy * the pixel that tap saw.
#include <algorithm>

#include "fovea/parallel.h"
#include "kernels/cpu/depthwise.h"
#include "kernels/cpu/depthwise_row.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/depthwise_weights.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/vectors-inl.h"

// The sums of a group of taps stay in registers along a row of outputs; an output's gradient is read once per group.
HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int depthwise_sums = HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64 ? 28 : 14;  // that the registers hold

// The outputs of one row against one group of taps.
struct DepthwiseTapGroup {
  const float* x;     // the picture row of the group's first tap row
  int64_t x_pitch;    // floats from the picture row of one tap row to that of the next
  int64_t tap_pitch;  // pixels from tap to tap
  int64_t stride;     // pixels
  int64_t start;      // pixel of output 0's first tap of the group
  int64_t width;      // pixels in a picture row
  int64_t channels;   // floats from pixel to pixel
  const float* dy;
  int64_t count;     // outputs
  float* sums;       // [tap row][row_taps][channels]
  int64_t row_taps;  // taps in a row of the window
};

template <int tap_rows, int taps, class Access>
HWY_INLINE void AddTapGroup(Access access, const DepthwiseTapGroup& g, int64_t c) {
  using V = typename Access::V;
  V sum[tap_rows][taps];
  FOVEA_UNROLL for (int a = 0; a < tap_rows; ++a) {
    FOVEA_UNROLL for (int b = 0; b < taps; ++b) sum[a][b] = access.Load(g.sums + (a * g.row_taps + b) * g.channels + c);
  }
  const auto add = [&](int64_t j, auto border) HWY_ATTR {
    const V gradient = access.Load(g.dy + j * g.channels + c);
    int64_t column = g.start + j * g.stride;
    FOVEA_UNROLL for (int b = 0; b < taps; ++b, column += g.tap_pitch) {
      if (border && (column < 0 || column >= g.width)) continue;
      const float* pixel = g.x + column * g.channels + c;
      FOVEA_UNROLL for (int a = 0; a < tap_rows; ++a, pixel += g.x_pitch) {
        sum[a][b] = hn::MulAdd(gradient, access.Load(pixel), sum[a][b]);
      }
    }
  };
  // Outputs [inside, beyond) have all taps in the picture.
  const int64_t inside = std::clamp<int64_t>((-g.start + g.stride - 1) / g.stride, 0, g.count);
  const int64_t room = g.width - (taps - 1) * g.tap_pitch - g.start;  // for first taps
  const int64_t beyond = std::clamp<int64_t>(room > 0 ? (room + g.stride - 1) / g.stride : 0, inside, g.count);
  int64_t j = 0;
  for (; j < inside; ++j) add(j, std::true_type());
  for (; j < beyond; ++j) add(j, std::false_type());
  for (; j < g.count; ++j) add(j, std::true_type());
  FOVEA_UNROLL for (int a = 0; a < tap_rows; ++a) {
    FOVEA_UNROLL for (int b = 0; b < taps; ++b) access.Store(sum[a][b], g.sums + (a * g.row_taps + b) * g.channels + c);
  }
}

// Adds `left` tap rows of `taps` taps, as many at a time as the registers hold.
template <int taps, int tap_rows = std::max(1, std::min(taps, depthwise_sums / taps))>
HWY_INLINE void AddTapRows(DepthwiseTapGroup g, int64_t left, int64_t first, int64_t last) {
  for (; left >= tap_rows; left -= tap_rows) {
    for_each_access<1>(first, last,
                       [&](auto, auto access, int64_t c) HWY_ATTR { AddTapGroup<tap_rows, taps>(access, g, c); });
    g.x += tap_rows * g.x_pitch;
    g.sums += tap_rows * g.row_taps * g.channels;
  }
  if constexpr (tap_rows > 1) {
    if (left > 0) AddTapRows<taps, tap_rows - 1>(g, left, first, last);
  }
}

// Adds output row i of picture n in channels [first, last) to sums [taps][channels], which are written through the
// group.
void AddDepthwiseRow(const ConvShape& s, int64_t n, int64_t i, int64_t first, int64_t last, const float* x,
                     const float* dy,
                     float* sums) {  // NOLINT(readability-non-const-parameter)
  const int64_t start = i * s.stride_height - s.top;
  const TapRange rows = taps_inside(start, s.dilation_height, s.kernel_height, s.height);
  if (rows.first >= rows.last) return;
  DepthwiseTapGroup g{.x = x + (n * s.height + start + rows.first * s.dilation_height) * s.width * s.channels,
                      .x_pitch = s.dilation_height * s.width * s.channels,
                      .tap_pitch = s.dilation_width,
                      .stride = s.stride_width,
                      .start = -s.left,
                      .width = s.width,
                      .channels = s.channels,
                      .dy = dy + (n * s.out_height + i) * s.out_width * s.channels,
                      .count = s.out_width,
                      .sums = sums + rows.first * s.kernel_width * s.channels,
                      .row_taps = s.kernel_width};
  const int64_t left = rows.last - rows.first;
  switch (s.kernel_width) {
    case 3:
      return AddTapRows<3>(g, left, first, last);
    case 5:
      return AddTapRows<5>(g, left, first, last);
    case 7:
      return AddTapRows<7>(g, left, first, last);
    default:
      for (int64_t b = 0; b < s.kernel_width; ++b) {
        AddTapRows<1>(g, left, first, last);
        g.start += s.dilation_width;
        g.sums += s.channels;
      }
  }
}

void AddGradientRow(int64_t pixels, int64_t channels, int64_t first, int64_t last, const float* dy, float* sums) {
  for_each_access<1>(first, last, [&](auto, auto access, int64_t c) HWY_ATTR {
    auto sum = access.Load(sums + c);
    for (int64_t j = 0; j < pixels; ++j) sum = hn::Add(sum, access.Load(dy + j * channels + c));
    access.Store(sum, sums + c);
  });
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::cpu {

HWY_EXPORT(AddDepthwiseRow);
HWY_EXPORT(AddGradientRow);

namespace {

constexpr int64_t channels_per_task = 64;

int64_t output_rows(const ConvShape& s) { return s.batch * s.out_height; }

// Each sums a share of the output rows.
int64_t parts_of(const ConvShape& s) {
  constexpr int64_t pixels_per_part = 512;
  return std::clamp<int64_t>(s.out_pixels() / pixels_per_part, 1, std::min<int64_t>(8, output_rows(s)));
}

}  // namespace

size_t Depthwise::scratch() const {
  return weight_gradient_ ? static_cast<size_t>(parts_of(shape_) * (shape_.taps() + 1) * shape_.channels) : 0;
}

void Depthwise::weight_gradient(const float* x, const float* dy, float* dweight, float* dbias, float* scratch) const {
  auto* const add_row = HWY_DYNAMIC_DISPATCH(AddDepthwiseRow);
  auto* const add_gradient = HWY_DYNAMIC_DISPATCH(AddGradientRow);
  const int64_t channels = shape_.channels;
  const int64_t taps = shape_.taps();
  const int64_t part_size = (taps + 1) * channels;
  const int64_t parts = parts_of(shape_);
  const int64_t blocks = (channels + channels_per_task - 1) / channels_per_task;
  parallel_for(parts * blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      const int64_t first = k % blocks * channels_per_task;
      const int64_t last = std::min(first + channels_per_task, channels);
      const int64_t part = k / blocks;
      float* const sums = scratch + part * part_size;
      for (int64_t tap = 0; tap <= taps; ++tap)
        std::fill(sums + tap * channels + first, sums + tap * channels + last, 0.0F);
      const int64_t end_row = (part + 1) * output_rows(shape_) / parts;
      for (int64_t row = part * output_rows(shape_) / parts; row < end_row; ++row) {
        add_row(shape_, row / shape_.out_height, row % shape_.out_height, first, last, x, dy, sums);
        if (dbias) {
          add_gradient(shape_.out_width, channels, first, last, dy + row * shape_.out_width * channels,
                       sums + taps * channels);
        }
      }
    }
  });
  parallel_for(channels, 2 * channels_per_task, [&](int64_t begin, int64_t end) {
    for (int64_t part = 1; part < parts; ++part) {
      for (int64_t tap = 0; tap <= taps; ++tap) {
        for (int64_t c = tap * channels + begin; c < tap * channels + end; ++c)
          scratch[c] += scratch[part * part_size + c];
      }
    }
    for (int64_t c = begin; c < end; ++c) {
      for (int64_t tap = 0; tap < taps; ++tap) dweight[c * taps + tap] = scratch[tap * channels + c];
      if (dbias) dbias[c] = scratch[taps * channels + c];
    }
  });
}

}  // namespace fovea::cpu
#endif
