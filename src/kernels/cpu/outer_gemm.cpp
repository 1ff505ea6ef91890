#include "kernels/cpu/outer_gemm.h"

#include <algorithm>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/outer_gemm.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/tiles-inl.h"

// Both operands are copied first, a few KB at a time, to where tiles read them one after the other: pixels of a picture
// with many channels lie a power of two apart, and only a few such lines fit the first cache together.
HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// to[tile][pixel][tile_rows] <- a, rows beyond the last being zero.
void PackOuterRows(const OuterProduct& product, float* HWY_RESTRICT to) {
  for (int64_t m = 0; m < product.rows; m += tile_rows) {
    const int64_t rows = std::min<int64_t>(tile_rows, product.rows - m);
    for (int64_t p = 0; p < product.pixels; ++p, to += tile_rows) {
      if (rows == tile_rows) {
        std::memcpy(to, product.a[p] + m, tile_rows * sizeof(float));
        continue;
      }
      for (int64_t k = 0; k < tile_rows; ++k) to[k] = k < rows ? product.a[p][m + k] : 0.0F;
    }
  }
}

// to[pixel][width] <- elements [first, first + columns) of b, those beyond being zero.
void PackOuterColumns(const OuterProduct& product, int64_t first, int64_t columns, int64_t width,
                      float* HWY_RESTRICT to) {
  const Runs& runs = product.runs;
  for (int64_t n = 0; n < columns;) {
    const int64_t run = (first + n) / runs.length;
    const int64_t inside = (first + n) % runs.length;
    const int64_t count = std::min(columns - n, runs.length - inside);
    const int64_t offset = runs.offsets[run] + inside;
    for (int64_t p = 0; p < product.pixels; ++p) {
      std::memcpy(to + p * width + n, product.b[p] + offset, static_cast<size_t>(count) * sizeof(float));
    }
    n += count;
  }
  if (columns == width) return;
  for (int64_t p = 0; p < product.pixels; ++p) std::fill(to + p * width + columns, to + (p + 1) * width, 0.0F);
}

// The first `rows` rows of one tile; a is [pixel][tile_rows], b [pixel][vectors * lanes].
template <int vectors, class D>
HWY_INLINE void OuterTile(D d, int64_t pixels, const float* HWY_RESTRICT a, const float* HWY_RESTRICT b, int64_t rows,
                          int64_t columns, float* HWY_RESTRICT out, int64_t pitch, bool accumulate) {
  using V = hn::Vec<D>;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  V sum[tile_rows][vectors];
  for (V(&row)[vectors] : sum) {
    for (V& value : row) value = hn::Zero(d);
  }
  for (int64_t p = 0; p < pixels; ++p, a += tile_rows, b += vectors * lanes) {
    V value[vectors];
    for (int v = 0; v < vectors; ++v) value[v] = hn::LoadU(d, b + v * lanes);
    for (int m = 0; m < tile_rows; ++m) {
      const V scale = hn::Set(d, a[m]);
      for (int v = 0; v < vectors; ++v) sum[m][v] = hn::MulAdd(scale, value[v], sum[m][v]);
    }
  }
  for (int m = 0; m < tile_rows; ++m) {
    if (m >= rows) return;
    for (int v = 0; v < vectors; ++v) {
      float* const to = out + m * pitch + v * lanes;
      if (accumulate) sum[m][v] = hn::Add(sum[m][v], LoadColumns(d, to, columns - v * lanes));
      StoreColumns(d, sum[m][v], to, columns - v * lanes);
    }
  }
}

void OuterGemm(const OuterProduct& product, float* out, int64_t pitch, bool accumulate) {
  constexpr int64_t tiles = (outer_rows + tile_rows - 1) / tile_rows;
  HWY_ALIGN float a[tiles * tile_rows * outer_pixels];
  HWY_ALIGN float b[outer_pixels * 2 * HWY_LANES(float)];
  PackOuterRows(product, a);
  const Panels panels =
      Panels::for_lanes(1, product.columns, static_cast<int64_t>(hn::Lanes(hn::ScalableTag<float>())));
  for (int64_t panel = 0; panel < panels.count(); ++panel) {
    const int64_t column = panels.first_column(panel);
    const int64_t columns = panels.columns_of(panel);
    PackOuterColumns(product, product.first + column, columns, panels.width_of(panel), b);
    WithPanelWidth(panels.width_of(panel), [&](auto vectors, auto d) {
      for (int64_t m = 0; m < product.rows; m += tile_rows) {
        OuterTile<vectors>(d, product.pixels, a + m * product.pixels, b, product.rows - m, columns,
                           out + m * pitch + column, pitch, accumulate);
      }
    });
  }
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::cpu {

HWY_EXPORT(OuterGemm);

void outer_gemm(const OuterProduct& product, float* out, int64_t pitch, bool accumulate) {
  HWY_DYNAMIC_DISPATCH(OuterGemm)(product, out, pitch, accumulate);
}

}  // namespace fovea::cpu
#endif
