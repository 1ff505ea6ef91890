#include "kernels/cpu/byte_gemm.h"

#include <algorithm>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/byte_gemm.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/activation-inl.h"
#include "kernels/cpu/byte_dot-inl.h"
#include "kernels/cpu/byte_epilogue-inl.h"

// The register tile of gemm.cpp with four bytes in the place of a float. Sums go through the first cache on their way
// out: what becomes of them is too much for the tiles' registers.
HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int64_t widest_panel = 2 * HWY_LANES(int32_t);

// Sums of `rows` rows from a[first] on and one panel, [row][column], to `sums`; they begin at `start`.
template <bool instruction, int rows, int vectors, class DI>
HWY_INLINE void ByteTile(DI di, const uint8_t* const* HWY_RESTRICT a, int64_t first, const Runs& runs,
                         const int8_t* panel, const int32_t* start, int32_t* sums) {
  using V = hn::Vec<DI>;
  const auto lanes = static_cast<int64_t>(hn::Lanes(di));
  V sum[rows][vectors];
  FOVEA_UNROLL
  for (int v = 0; v < vectors; ++v) {
    const V begin = hn::LoadU(di, start + v * lanes);
    FOVEA_UNROLL
    for (int m = 0; m < rows; ++m) sum[m][v] = begin;
  }
  const auto* weights = reinterpret_cast<const int32_t*>(panel);
  const int64_t dots = dots_of(runs.length);
  for (int64_t r = 0; r < runs.count; ++r) {
    const uint8_t* row[rows];
    FOVEA_UNROLL
    for (int m = 0; m < rows; ++m) row[m] = a[first + m] + runs.offsets[r];
    for (int64_t k = 0; k < dots; ++k) {
      V b[vectors];
      FOVEA_UNROLL
      for (int v = 0; v < vectors; ++v) b[v] = hn::LoadU(di, weights + v * lanes);
      weights += vectors * lanes;
      FOVEA_UNROLL
      for (int m = 0; m < rows; ++m) {
        int32_t four = 0;
        std::memcpy(&four, row[m] + dot_length * k, sizeof(four));
        const V x = hn::Set(di, four);
        FOVEA_UNROLL
        for (int v = 0; v < vectors; ++v) sum[m][v] = AddDot<instruction>(di, sum[m][v], x, b[v]);
      }
    }
  }
  FOVEA_UNROLL
  for (int m = 0; m < rows; ++m) {
    FOVEA_UNROLL
    for (int v = 0; v < vectors; ++v) hn::StoreU(sum[m][v], di, sums + (first + m) * widest_panel + v * lanes);
  }
}

// `count` rows against one panel, in tiles as equal as can be.
template <bool instruction, int vectors, class DI>
HWY_INLINE void ByteTiles(DI di, const uint8_t* const* a, int64_t count, const Runs& runs, const int8_t* panel,
                          const int32_t* start, int32_t* sums) {
  int64_t tiles = (count + tile_rows - 1) / tile_rows;
  for (int64_t m = 0; m < count; --tiles) {
    const int64_t rows_now = (count - m + tiles - 1) / tiles;
    WithRows<tile_rows>(rows_now, [&](auto rows) HWY_ATTR {
      ByteTile<instruction, rows, vectors>(di, a, m, runs, panel, start, sums);
    });
    m += rows_now;
  }
}

// What becomes of a row of sums: `columns` of them, the residual's and the output's from `residual` and `out`.
HWY_INLINE void FinishRow(const int32_t* sums, const float* scale, int64_t columns, const ByteEpilogue& epilogue,
                          const ToByte& to, const uint8_t* residual, uint8_t* out) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const Clamp clamp = clamp_of(epilogue.activation);
  const bool clamps = is_clamp(epilogue.activation);
  float real[widest_panel];
  float* const reals = epilogue.output ? real : reinterpret_cast<float*>(out);
  for (int64_t i = 0; i < columns; i += lanes) {
    auto v = hn::Mul(hn::ConvertTo(d, hn::LoadU(di, sums + i)), hn::LoadU(d, scale + i));
    if (residual) v = AddResidual(d, epilogue, residual + i * epilogue.residual_size(), v, columns - i);
    if (epilogue.output && clamps) {
      StoreBytes(di, Quantized(d, to, v), out + i, columns - i);
    } else {
      StoreColumns(d, ClampVector(d, clamp, v), reals + i, columns - i);
    }
  }
  if (clamps) return;
  ActivateRow(epilogue.activation, epilogue.alpha, columns, reals, reals);
  for (int64_t i = 0; epilogue.output && i < columns; i += lanes) {
    StoreBytes(di, Quantized(d, to, hn::LoadU(d, reals + i)), out + i, columns - i);
  }
}

// The same for `count` rows that become bytes without a residual, by a clamp at most: all that is constant stays in
// registers.
HWY_INLINE void QuantizeRows(const int32_t* HWY_RESTRICT sums, int64_t count, const float* HWY_RESTRICT scale,
                             int64_t columns, ToByte to, uint8_t* const* out, int64_t column) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t i = 0; i < columns; i += lanes) {
    const auto scales = hn::LoadU(d, scale + i);
    for (int64_t m = 0; m < count; ++m) {
      const auto v = hn::Mul(hn::ConvertTo(d, hn::LoadU(di, sums + m * widest_panel + i)), scales);
      StoreBytes(di, Quantized(d, to, v), out[m] + column + i, columns - i);
    }
  }
}

void ByteGemm(const uint8_t* const* a, int64_t count, const Runs& runs, const ByteMatrix& b,
              const ByteEpilogue& epilogue, const uint8_t* const* residual, uint8_t* const* out, int64_t first_panel,
              int64_t last_panel) {
  const ToByte to(epilogue.output.value_or(Quantization{}), clamp_of(epilogue.activation));
  int32_t sums[row_block * widest_panel];
  for (int64_t p = first_panel; p < last_panel; ++p) {
    const int64_t column = b.panels.first_column(p);
    WithByteInstruction([&](auto instruction) HWY_ATTR {
      WithPanelWidth(b.panels.width_of(p), [&](auto vectors, auto d) HWY_ATTR {
        const hn::RebindToSigned<decltype(d)> di;
        ByteTiles<instruction, vectors>(di, a, count, runs, b.weights + dot_length * b.panels.offset(p),
                                        b.start + column, sums);
      });
    });
    if (epilogue.output && is_clamp(epilogue.activation) && !residual) {
      QuantizeRows(sums, count, b.scale + column, b.panels.columns_of(p), to, out, column);
      continue;
    }
    for (int64_t m = 0; m < count; ++m) {
      FinishRow(sums + m * widest_panel, b.scale + column, b.panels.columns_of(p), epilogue, to,
                residual ? residual[m] + column * epilogue.residual_size() : nullptr,
                out[m] + column * epilogue.output_size());
    }
  }
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::cpu {

HWY_EXPORT(ByteGemm);

void byte_gemm(const uint8_t* const* a, int64_t count, const Runs& runs, const ByteMatrix& b,
               const ByteEpilogue& epilogue, const uint8_t* const* residual, uint8_t* const* out, int64_t first_panel,
               int64_t last_panel) {
  HWY_DYNAMIC_DISPATCH(ByteGemm)(a, count, runs, b, epilogue, residual, out, first_panel, last_panel);
}

}  // namespace fovea::cpu
#endif
