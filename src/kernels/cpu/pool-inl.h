// Loops over the windows of a pooling; re-included per instruction set, so no #pragma once.
#if defined(FOVEA_KERNELS_CPU_POOL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FOVEA_KERNELS_CPU_POOL_INL_H_
#undef FOVEA_KERNELS_CPU_POOL_INL_H_
#else
#define FOVEA_KERNELS_CPU_POOL_INL_H_
#endif

#include <type_traits>

#include "kernels/cpu/pool_window.h"
#include "kernels/cpu/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Calls f(rows, columns) with the window's extents, constants for the commonest windows.
template <class F>
HWY_INLINE void WithExtents(const PoolWindow& window, const F& f) {
  const int64_t rows = window.bottom - window.top;
  const int64_t columns = window.right - window.left;
  if (rows == 2 && columns == 2) {
    f(std::integral_constant<int64_t, 2>{}, std::integral_constant<int64_t, 2>{});
  } else if (rows == 3 && columns == 3) {
    f(std::integral_constant<int64_t, 3>{}, std::integral_constant<int64_t, 3>{});
  } else {
    f(rows, columns);
  }
}

// Calls f(window, x at its first pixel, offset of its output) for the windows of output
// row `row`, counted through all pictures.
template <class T, class F>
HWY_INLINE void ForEachWindow(const PoolShape& s, int64_t row, T* x, const F& f) {
  T* const picture = x + row / s.out_height * s.height * s.width * s.channels;
  for (int64_t j = 0; j < s.out_width; ++j) {
    const PoolWindow window = pool_window(s, row % s.out_height, j);
    f(window, picture + (window.top * s.width + window.left) * s.channels, (row * s.out_width + j) * s.out_pixel());
  }
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
