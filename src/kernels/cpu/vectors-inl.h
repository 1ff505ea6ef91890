// Loops over memory by vectors; re-included per instruction set, so no #pragma once.
#if defined(FOVEA_KERNELS_CPU_VECTORS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FOVEA_KERNELS_CPU_VECTORS_INL_H_
#undef FOVEA_KERNELS_CPU_VECTORS_INL_H_
#else
#define FOVEA_KERNELS_CPU_VECTORS_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Calls f(tag, i) for i = 0, lanes, 2 lanes ... while whole vectors fit, then with a one-lane tag for what is left.
template <class F>
HWY_INLINE void for_each_vector(int64_t count, const F& f) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) f(d, i);
  const hn::CappedTag<float, 1> one;
  for (; i < count; ++i) f(one, i);
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
