// What the register tiles of matrix products share; re-included per instruction set, so no #pragma once.
#if defined(FOVEA_KERNELS_CPU_TILES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FOVEA_KERNELS_CPU_TILES_INL_H_
#undef FOVEA_KERNELS_CPU_TILES_INL_H_
#else
#define FOVEA_KERNELS_CPU_TILES_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>
#include <type_traits>

#include "kernels/cpu/panels.h"

HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Rows of a tile. 6 rows of 2 vectors fill the 16 registers of AVX2; 8 leave AVX-512 its 16 general registers for
// the row pointers, and two rows' loads per multiply hide the latency on both.
constexpr int tile_rows = HWY_TARGET <= HWY_AVX3 ? 8 : 6;

// Stores the first `columns` lanes of v.
template <class D, class V = hn::Vec<D>>
HWY_INLINE void StoreColumns(D d, V v, float* out, int64_t columns) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  if (columns >= lanes) {
    hn::StoreU(v, d, out);
  } else if (columns > 0) {
    hn::BlendedStore(v, hn::FirstN(d, static_cast<size_t>(columns)), d, out);
  }
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V LoadColumns(D d, const float* in, int64_t columns) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  if (columns >= lanes) return hn::LoadU(d, in);
  if (columns <= 0) return hn::Zero(d);
  return hn::MaskedLoad(hn::FirstN(d, static_cast<size_t>(columns)), d, in);
}

// Calls tile(number of rows) with the number as a type: a tile's sums are registers.
template <int most, class F>
HWY_INLINE void WithRows(int64_t rows, const F& tile) {
  if constexpr (most > 1) {
    if (rows < most) return WithRows<most - 1>(rows, tile);
  }
  tile(std::integral_constant<int, most>());
}

// Calls tile(vectors, tag) with the tile width that panels.h chose for a panel of that width.
template <class F>
HWY_INLINE void WithPanelWidth(int64_t width, const F& tile) {
  const hn::ScalableTag<float> full;
  const hn::CappedTag<float, narrow_panel> narrow;
  const auto lanes = static_cast<int64_t>(hn::Lanes(full));
  if (width == 2 * lanes) {
    tile(std::integral_constant<int, 2>(), full);
  } else if (width == lanes) {
    tile(std::integral_constant<int, 1>(), full);
  } else {
    tile(std::integral_constant<int, 1>(), narrow);
  }
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
