#include "kernels/cpu/depthwise_row.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/depthwise_row.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/activation-inl.h"
#include "kernels/cpu/vectors-inl.h"

// A tile of 7 neighbouring outputs stays in registers together with one row of weights: every input pixel is read once
// per row of taps, every weight once per tile. Tiles at the picture's sides leave out the pixels that are not there.
HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// 7 divides the widths of most networks (7, 14 ... 112); 7 sums, 7 weights and a pixel fill the 16 registers of AVX2.
constexpr int depthwise_tile = 7;
constexpr int depthwise_vectors = HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64 ? 2 : 1;  // 32 registers hold twice that

// What the tiles of one output row share.
struct DepthwiseRowView {
  const float* in = nullptr;  // first picture row that a tap sees
  int64_t in_channel = 0;     // the first there
  int64_t in_pitch = 0;       // floats from the picture row of one tap row to that of the next
  int64_t in_columns = 0;     // pixels in a picture row
  int64_t in_pixel = 0;       // floats from pixel to pixel
  int64_t wrapped_row = 0;    // the tap row from which on picture rows lie `ring` floats earlier
  int64_t ring = 0;
  const float* weights = nullptr;  // of the first such tap row
  int64_t weights_pitch = 0;       // floats from 16 channels to the next
  int64_t tap_rows = 0;            // that see the picture
  int64_t before = 0;              // padding on the left
  int64_t count = 0;               // outputs
  float* out = nullptr;
  int64_t out_pitch = 0;  // floats from output to output
  const float* bias = nullptr;
  const float* residual = nullptr;  // of output 0
  Clamp clamp = {};

  HWY_INLINE const float* TapRow(int64_t tap_row, int64_t c) const {
    return in + tap_row * in_pitch - (tap_row >= wrapped_row ? ring : 0) + (c - in_channel);
  }
  HWY_INLINE const float* WeightsAt(int64_t c) const {
    return weights + c / depthwise_block * weights_pitch + c % depthwise_block;
  }
};

// Outputs j ... j + 6 in `vectors` vectors of channels from c. At a border some outputs or inputs are not there.
template <int kernel, int stride, bool border, int vectors, class Access>
HWY_INLINE void DepthwiseTile(Access access, const DepthwiseRowView& row, int64_t j, int64_t c) {
  using V = typename Access::V;
  const auto lanes = static_cast<int64_t>(hn::Lanes(access.d));
  V sum[depthwise_tile][vectors];
  const float* weights[vectors];
  FOVEA_UNROLL for (int v = 0; v < vectors; ++v) {
    weights[v] = row.WeightsAt(c + v * lanes);
    const V bias = row.bias ? access.Load(row.bias + c + v * lanes) : hn::Zero(access.d);
    FOVEA_UNROLL for (V(&sums)[vectors] : sum) sums[v] = bias;
  }
  const int64_t column = j * stride - row.before;
  const int64_t pitch = row.in_pixel;
  for (int64_t tap_row = 0; tap_row < row.tap_rows; ++tap_row) {
    const float* const in = row.TapRow(tap_row, c);
    V weight[kernel][vectors];
    FOVEA_UNROLL for (int b = 0; b < kernel; ++b) {
      FOVEA_UNROLL for (int v = 0; v < vectors; ++v) {
        weight[b][v] = hn::LoadU(access.d, weights[v] + (tap_row * kernel + b) * depthwise_block);
      }
    }
    int64_t offset = column * pitch;
    FOVEA_UNROLL for (int q = 0; q < (depthwise_tile - 1) * stride + kernel; ++q, offset += pitch) {
      if (border && (column + q < 0 || column + q >= row.in_columns)) continue;
      V pixel[vectors];
      FOVEA_UNROLL for (int v = 0; v < vectors; ++v) pixel[v] = access.Load(in + offset + v * lanes);
      FOVEA_UNROLL for (int p = 0; p < depthwise_tile; ++p) {
        const int b = q - p * stride;
        if (b < 0 || b >= kernel) continue;
        FOVEA_UNROLL for (int v = 0; v < vectors; ++v) sum[p][v] = hn::MulAdd(pixel[v], weight[b][v], sum[p][v]);
      }
    }
  }
  FOVEA_UNROLL for (int p = 0; p < depthwise_tile; ++p) {
    if (border && j + p >= row.count) break;
    const int64_t to = (j + p) * row.out_pitch + c;
    FOVEA_UNROLL for (int v = 0; v < vectors; ++v) {
      V result = sum[p][v];
      if (row.residual) result = hn::Add(result, access.Load(row.residual + to + v * lanes));
      access.Store(ClampVector(access.d, row.clamp, result), row.out + to + v * lanes);
    }
  }
}

template <int kernel, int stride>
HWY_NOINLINE void DepthwiseTiles(const DepthwiseRowView& row, int64_t first, int64_t last) {
  for (int64_t j = 0; j < row.count; j += depthwise_tile) {
    const int64_t column = j * stride - row.before;
    const bool inside = column >= 0 && column + (depthwise_tile - 1) * stride + kernel <= row.in_columns &&
                        j + depthwise_tile <= row.count;
    if (inside) {
      for_each_access<depthwise_vectors>(first, last, [&](auto vectors, auto access, int64_t c) HWY_ATTR {
        DepthwiseTile<kernel, stride, false, vectors>(access, row, j, c);
      });
    } else {
      for_each_access<depthwise_vectors>(first, last, [&](auto vectors, auto access, int64_t c) HWY_ATTR {
        DepthwiseTile<kernel, stride, true, vectors>(access, row, j, c);
      });
    }
  }
}

// Any kernel, stride and dilation.
void DepthwisePixels(const DepthwiseRowView& row, const DepthwiseAxis& columns, int64_t first, int64_t last) {
  for (int64_t j = 0; j < row.count; ++j) {
    const int64_t column = j * columns.stride - columns.before;
    const TapRange taps = taps_inside(column, columns.dilation, columns.kernel, columns.extent);
    for_each_access<1>(first, last, [&](auto, auto access, int64_t c) HWY_ATTR {
      auto sum = row.bias ? access.Load(row.bias + c) : hn::Zero(access.d);
      for (int64_t a = 0; a < row.tap_rows; ++a) {
        for (int64_t b = taps.first; b < taps.last; ++b) {
          const auto pixel = access.Load(row.TapRow(a, c) + (column + b * columns.dilation) * row.in_pixel);
          const float* const weight = row.WeightsAt(c) + (a * columns.kernel + b) * depthwise_block;
          sum = hn::MulAdd(pixel, hn::LoadU(access.d, weight), sum);
        }
      }
      const int64_t to = j * row.out_pitch + c;
      if (row.residual) sum = hn::Add(sum, access.Load(row.residual + to));
      access.Store(ClampVector(access.d, row.clamp, sum), row.out + to);
    });
  }
}

using DepthwiseTileFunction = void (*)(const DepthwiseRowView&, int64_t, int64_t);

// Null: no tiles for such windows. Kernels of 1, 2 and 4 come from the phases of strided gradients.
DepthwiseTileFunction TilesFor(const DepthwiseAxis& columns) {
  if (columns.dilation != 1) return nullptr;
  if (columns.stride == 1) {
    switch (columns.kernel) {
      case 1:
        return DepthwiseTiles<1, 1>;
      case 2:
        return DepthwiseTiles<2, 1>;
      case 3:
        return DepthwiseTiles<3, 1>;
      case 4:
        return DepthwiseTiles<4, 1>;
      case 5:
        return DepthwiseTiles<5, 1>;
      case 7:
        return DepthwiseTiles<7, 1>;
    }
  }
  if (columns.stride == 2) {
    switch (columns.kernel) {
      case 3:
        return DepthwiseTiles<3, 2>;
      case 5:
        return DepthwiseTiles<5, 2>;
      case 7:
        return DepthwiseTiles<7, 2>;
    }
  }
  return nullptr;
}

// `out` is written through the view.
void DepthwiseRow(const DepthwisePass& pass, int64_t channels, int64_t n, int64_t i, int64_t first, int64_t last,
                  const DepthwiseInput& in, const Epilogue& epilogue,
                  float* out) {  // NOLINT(readability-non-const-parameter)
  const auto& [rows, columns, weights] = pass;
  const int64_t start = i * rows.stride - rows.before;
  const TapRange taps = taps_inside(start, rows.dilation, rows.kernel, rows.extent);
  const int64_t top = start + taps.first * rows.dilation;
  const int64_t picture_row = in.ring > 0 ? top % in.ring : n * rows.extent + top;
  const int64_t out_row = n * rows.out_extent + rows.first + i * rows.step;
  const int64_t to = (out_row * columns.out_extent + columns.first) * channels;
  const int64_t in_row = columns.extent * in.pixel;
  const int64_t from = taps.first < taps.last ? picture_row * in_row : 0;
  const DepthwiseRowView row{.in = in.data + from,
                             .in_channel = in.first_channel,
                             .in_pitch = rows.dilation * in_row,
                             .in_columns = columns.extent,
                             .in_pixel = in.pixel,
                             .wrapped_row = (in.ring - picture_row + rows.dilation - 1) / rows.dilation,
                             .ring = in.ring * in_row,
                             .weights = weights.data() + taps.first * columns.kernel * depthwise_block,
                             .weights_pitch = pass.taps() * depthwise_block,
                             .tap_rows = taps.last - taps.first,
                             .before = columns.before,
                             .count = columns.count,
                             .out = out + to,
                             .out_pitch = columns.step * channels,
                             .bias = epilogue.bias,
                             .residual = epilogue.residual ? epilogue.residual + to : nullptr,
                             .clamp = clamp_of(epilogue.activation)};
  if (const auto tiles = TilesFor(columns)) {
    tiles(row, first, last);
  } else {
    DepthwisePixels(row, columns, first, last);
  }
  if (is_clamp(epilogue.activation)) return;
  ActivateRows(epilogue.activation, epilogue.alpha, row.count, last - first,
               [&](int64_t j) { return row.out + j * row.out_pitch + first; });
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::cpu {

HWY_EXPORT(DepthwiseRow);

void depthwise_row(const DepthwisePass& pass, int64_t channels, int64_t n, int64_t row, int64_t first, int64_t last,
                   const DepthwiseInput& in, const Epilogue& epilogue, float* out) {
  HWY_DYNAMIC_DISPATCH(DepthwiseRow)(pass, channels, n, row, first, last, in, epilogue, out);
}

}  // namespace fovea::cpu
#endif
