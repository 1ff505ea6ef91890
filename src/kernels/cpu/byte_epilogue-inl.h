// How sums of products of bytes leave the registers; re-included per instruction set, so no #pragma once.
#if defined(FOVEA_KERNELS_CPU_BYTE_EPILOGUE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FOVEA_KERNELS_CPU_BYTE_EPILOGUE_INL_H_
#undef FOVEA_KERNELS_CPU_BYTE_EPILOGUE_INL_H_
#else
#define FOVEA_KERNELS_CPU_BYTE_EPILOGUE_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>
#include <cstring>

#include "kernels/cpu/byte_epilogue.h"
#include "kernels/cpu/tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Whole numbers from 0 to 255 in the lanes of int32. A NaN becomes the least.
template <class D, class V = hn::Vec<D>>
HWY_INLINE hn::Vec<hn::RebindToSigned<D>> Quantized(D d, const ToByte& to, V v) {
  const hn::RebindToSigned<D> di;
  v = hn::Mul(v, hn::Set(d, to.inverse));
  const V low = hn::Set(d, to.low);
  v = hn::Min(hn::IfThenElse(hn::Gt(v, low), v, low), hn::Set(d, to.high));
  return hn::Add(hn::NearestInt(v), hn::Set(di, to.zero_point));
}

// The first `columns` of a vector's worth of bytes, as int32; the others are undefined.
template <class DI>
HWY_INLINE hn::Vec<DI> LoadBytes(DI di, const uint8_t* from, int64_t columns) {
  const hn::Rebind<uint8_t, DI> d8;
  const auto lanes = static_cast<int64_t>(hn::Lanes(di));
  if (columns >= lanes) return hn::PromoteTo(di, hn::LoadU(d8, from));
  uint8_t bytes[HWY_LANES(int32_t)] = {};
  if (columns > 0) std::memcpy(bytes, from, static_cast<size_t>(columns));
  return hn::PromoteTo(di, hn::LoadU(d8, bytes));
}

// Stores the first `columns` lanes, whole numbers from 0 to 255, as bytes.
template <class DI, class V = hn::Vec<DI>>
HWY_INLINE void StoreBytes(DI di, V v, uint8_t* to, int64_t columns) {
  const hn::Rebind<uint8_t, DI> d8;
  const auto lanes = static_cast<int64_t>(hn::Lanes(di));
  if (columns >= lanes) return hn::StoreU(hn::DemoteTo(d8, v), d8, to);
  uint8_t bytes[HWY_LANES(int32_t)];
  hn::StoreU(hn::DemoteTo(d8, v), d8, bytes);
  if (columns > 0) std::memcpy(to, bytes, static_cast<size_t>(columns));
}

// v plus the residual's first `columns`, which lie at `from`.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V AddResidual(D d, const ByteEpilogue& epilogue, const uint8_t* from, V v, int64_t columns) {
  if (!epilogue.residual) return hn::Add(v, LoadColumns(d, reinterpret_cast<const float*>(from), columns));
  const hn::RebindToSigned<D> di;
  const auto steps = hn::Sub(LoadBytes(di, from, columns), hn::Set(di, epilogue.residual->zero_point));
  return hn::Add(v, hn::Mul(hn::ConvertTo(d, steps), hn::Set(d, epilogue.residual->scale)));
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
