// Loops over memory by vectors; re-included per instruction set, so no #pragma once.
#if defined(FOVEA_KERNELS_CPU_VECTORS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FOVEA_KERNELS_CPU_VECTORS_INL_H_
#undef FOVEA_KERNELS_CPU_VECTORS_INL_H_
#else
#define FOVEA_KERNELS_CPU_VECTORS_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>
#include <type_traits>

// Before a loop whose arrays of vectors must become registers: the compilers' own limits are too low for large tiles.
#ifndef FOVEA_UNROLL
#ifdef __clang__
#pragma clang diagnostic ignored "-Wpass-failed"  // at -O1, which the fuzz targets have, it is but a wish
#define FOVEA_UNROLL _Pragma("clang loop unroll(full)")
#else
#define FOVEA_UNROLL _Pragma("GCC unroll 32")
#endif
#endif

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

// Calls f(tag, i) for consecutive i from begin, with vectors of up to max_lanes, then half as many, down to one.
template <size_t max_lanes, class F>
HWY_INLINE void for_each_halving(int64_t begin, int64_t end, const F& f) {
  const hn::CappedTag<float, max_lanes> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (; begin + lanes <= end; begin += lanes) f(d, begin);
  if constexpr (max_lanes > 1) for_each_halving<max_lanes / 2>(begin, end, f);
}

// As for_each_vector, for short rows, where what is left over matters: 6 is 4 + 2, not six single lanes.
template <class F>
HWY_INLINE void for_each_channel(int64_t channels, const F& f) {
  for_each_halving<HWY_LANES(float)>(0, channels, f);
}

// How a kernel reads and writes vectors of a row: whole ones, or the lanes that are left at its end.
template <class D>
struct WholeVectors {
  using V = hn::Vec<D>;
  D d;
  HWY_INLINE V Load(const float* from) const { return hn::LoadU(d, from); }
  HWY_INLINE void Store(V v, float* to) const { hn::StoreU(v, d, to); }
};
template <class D>
struct FirstLanes {
  using V = hn::Vec<D>;
  D d;
  hn::Mask<D> mask;
  HWY_INLINE V Load(const float* from) const { return hn::MaskedLoad(mask, d, from); }
  HWY_INLINE void Store(V v, float* to) const { hn::BlendedStore(v, mask, d, to); }
};

// Calls f(vectors, access, i) for consecutive i from begin: with `vectors` whole vectors at a time, then one, then the
// lanes that are left. `vectors` reaches f as an integral_constant.
template <int vectors, class F>
HWY_INLINE void for_each_access(int64_t begin, int64_t end, const F& f) {
  const hn::ScalableTag<float> d;
  using D = hn::ScalableTag<float>;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const WholeVectors<D> whole{d};
  for (; begin + vectors * lanes <= end; begin += vectors * lanes) {
    f(std::integral_constant<int, vectors>(), whole, begin);
  }
  const std::integral_constant<int, 1> one;
  if constexpr (vectors > 1) {
    for (; begin + lanes <= end; begin += lanes) f(one, whole, begin);
  }
  if (begin < end) f(one, FirstLanes<D>{d, hn::FirstN(d, static_cast<size_t>(end - begin))}, begin);
}

// The sum of all lanes of f(tag, i) over [0, count).
template <class F>
HWY_INLINE float sum_of_vectors(int64_t count, const F& f) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  auto whole = hn::Zero(d);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) whole = hn::Add(whole, f(d, i));
  float sum = hn::GetLane(hn::SumOfLanes(d, whole));
  for_each_halving<HWY_LANES(float)>(
      i, count, [&](auto part, int64_t k) { sum += hn::GetLane(hn::SumOfLanes(part, f(part, k))); });
  return sum;
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
