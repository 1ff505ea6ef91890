#include "kernels/cpu/gemm.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/gemm.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/activation-inl.h"
#include "kernels/cpu/tiles-inl.h"

// The tiles keep all their sums in registers and read each operand once per tile.
HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// What becomes of the sums of one panel's columns: they start at the bias (null: zeros), the residual (null: none) is
// added, the clamp applied. `columns` of the panel's columns exist, the first is `column` of the output.
struct PanelEpilogue {
  const float* bias = nullptr;
  const float* const* residual = nullptr;
  Clamp clamp = {};
  int64_t column = 0;
  int64_t columns = 0;
};

// Ends a tile: its rows are first, first + 1 ... of out and the residual, access_to(v) says which columns there are.
template <int rows, int vectors, class D, class AccessTo, class V = hn::Vec<D>>
HWY_INLINE void FinishTile(D d, const V (&sum)[rows][vectors], const AccessTo& access_to, int64_t first,
                           const PanelEpilogue& epilogue, float* const* out) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  FOVEA_UNROLL for (int v = 0; v < vectors; ++v) {
    const auto access = access_to(v);
    const int64_t column = epilogue.column + v * lanes;
    FOVEA_UNROLL for (int m = 0; m < rows; ++m) {
      V result = sum[m][v];
      if (epilogue.residual) result = hn::Add(result, access.Load(epilogue.residual[first + m] + column));
      access.Store(ClampVector(d, epilogue.clamp, result), out[first + m] + column);
    }
  }
}

// One tile of `rows` rows by `vectors` vectors, its rows being first, first + 1 ... of a, out and the residual. `panel`
// is b for these columns, [k][vectors * lanes]. Meanwhile what will be read next is fetched, ahead_step floats per k.
template <int rows, int vectors, bool fetch_ahead, class D>
HWY_INLINE void RowTile(D d, const float* const* HWY_RESTRICT a, int64_t first, const Runs& runs,
                        const float* HWY_RESTRICT panel, const float* ahead, int64_t ahead_step,
                        const PanelEpilogue& epilogue, float* const* out) {
  using V = hn::Vec<D>;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  // The output's lines are on their way while the sums are made.
  FOVEA_UNROLL for (int m = 0; m < rows; ++m) {
    FOVEA_UNROLL for (int v = 0; v < vectors; ++v) __builtin_prefetch(out[first + m] + epilogue.column + v * lanes, 1);
  }
  if (epilogue.residual) {
    for (int m = 0; m < rows; ++m) {
      for (int v = 0; v < vectors; ++v) __builtin_prefetch(epilogue.residual[first + m] + epilogue.column + v * lanes);
    }
  }
  // Every loop over `sum` is unrolled, or it would lie in memory.
  V sum[rows][vectors];
  FOVEA_UNROLL for (int v = 0; v < vectors; ++v) {
    const float* const bias = epilogue.bias;
    const V start = bias ? LoadColumns(d, bias + v * lanes, epilogue.columns - v * lanes) : hn::Zero(d);
    FOVEA_UNROLL for (int m = 0; m < rows; ++m) sum[m][v] = start;
  }
  for (int64_t r = 0; r < runs.count; ++r) {
    const float* row[rows];
    FOVEA_UNROLL for (int m = 0; m < rows; ++m) row[m] = a[first + m] + runs.offsets[r];
    for (int64_t k = 0; k < runs.length; ++k) {
      V b[vectors];
      FOVEA_UNROLL for (int v = 0; v < vectors; ++v) b[v] = hn::LoadU(d, panel + v * lanes);
      panel += vectors * lanes;
      if constexpr (fetch_ahead) {
        hwy::Prefetch(ahead);
        ahead += ahead_step;
      }
      FOVEA_UNROLL for (int m = 0; m < rows; ++m) {
        const V value = hn::Set(d, row[m][k]);
        FOVEA_UNROLL for (int v = 0; v < vectors; ++v) sum[m][v] = hn::MulAdd(value, b[v], sum[m][v]);
      }
    }
  }
  if (epilogue.columns >= vectors * lanes) {
    const auto whole = [&](int) HWY_ATTR { return WholeVectors<D>{d}; };
    FinishTile<rows, vectors>(d, sum, whole, first, epilogue, out);
  } else {
    const auto existing = [&](int v) HWY_ATTR {
      const int64_t columns = std::clamp<int64_t>(epilogue.columns - v * lanes, 0, lanes);
      return FirstLanes<D>{d, hn::FirstN(d, static_cast<size_t>(columns))};
    };
    FinishTile<rows, vectors>(d, sum, existing, first, epilogue, out);
  }
}

// `count` rows (any number) against one panel, in tiles as equal as can be: 9 rows are 5 + 4, not 8 + 1.
template <int vectors, bool fetch_ahead, class D>
HWY_INLINE void RowTiles(D d, const float* const* a, int64_t count, const Runs& runs, const float* panel,
                         const PanelEpilogue& epilogue, float* const* out) {
  int64_t tiles = (count + tile_rows - 1) / tile_rows;
  // Each tile fetches its share of the next panel.
  const int64_t width = vectors * static_cast<int64_t>(hn::Lanes(d));
  const int64_t size = runs.count * runs.length * width;
  const int64_t ahead_step = (width + tiles - 1) / tiles;
  const float* ahead = panel + size;
  for (int64_t m = 0; m < count; --tiles) {
    const int64_t rows_now = (count - m + tiles - 1) / tiles;
    WithRows<tile_rows>(rows_now, [&](auto rows) {
      RowTile<rows, vectors, fetch_ahead>(d, a, m, runs, panel, ahead, ahead_step, epilogue, out);
    });
    ahead += ahead_step * runs.count * runs.length;
    m += rows_now;
  }
}

void RowGemm(const float* const* a, int64_t count, const Runs& runs, const Panels& b, const float* packed,
             const Epilogue& epilogue, const float* const* residual, float* const* out, int64_t first_panel,
             int64_t last_panel) {
  constexpr int64_t cached_floats = 196608;  // beyond, b comes from the third cache or from memory
  const bool fetch_ahead = b.floats() > cached_floats;
  for (int64_t p = first_panel; p < last_panel; ++p) {
    const int64_t column = b.first_column(p) - b.first_column(first_panel);
    const int64_t columns = b.columns_of(p);
    const PanelEpilogue panel_epilogue = {.bias = epilogue.bias ? epilogue.bias + b.first_column(p) : nullptr,
                                          .residual = residual,
                                          .clamp = clamp_of(epilogue.activation),
                                          .column = column,
                                          .columns = columns};
    WithPanelWidth(b.width_of(p), [&](auto vectors, auto d) {
      if (fetch_ahead) {
        RowTiles<vectors, true>(d, a, count, runs, packed + b.offset(p), panel_epilogue, out);
      } else {
        RowTiles<vectors, false>(d, a, count, runs, packed + b.offset(p), panel_epilogue, out);
      }
    });
    if (is_clamp(epilogue.activation)) continue;
    ActivateRows(epilogue.activation, epilogue.alpha, count, columns, [&](int64_t m) { return out[m] + column; });
  }
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::cpu {

HWY_EXPORT(RowGemm);

void row_gemm(const float* const* a, int64_t count, const Runs& runs, const Panels& b, const float* packed,
              const Epilogue& epilogue, const float* const* residual, float* const* out, int64_t first_panel,
              int64_t last_panel) {
  HWY_DYNAMIC_DISPATCH(RowGemm)(a, count, runs, b, packed, epilogue, residual, out, first_panel, last_panel);
}

}  // namespace fovea::cpu
#endif
