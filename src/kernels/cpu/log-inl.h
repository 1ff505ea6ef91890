// Vectorised ln x and ln(1 + x) of float32, and e^x over its whole range; re-included per instruction set, so no
// #pragma once. The logarithm's polynomial is that of Cephes (Moshier, logf.c).
#if defined(FOVEA_KERNELS_CPU_LOG_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FOVEA_KERNELS_CPU_LOG_INL_H_
#undef FOVEA_KERNELS_CPU_LOG_INL_H_
#else
#define FOVEA_KERNELS_CPU_LOG_INL_H_
#endif

#include <hwy/highway.h>

#include <limits>

#include "kernels/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// ln(1 + f) for 1 + f in [sqrt(1/2), sqrt(2)], without its first two terms f - f^2 / 2.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V LogTail(D d, V f) {
  V p = hn::Set(d, 7.0376836292E-2F);
  p = hn::MulAdd(p, f, hn::Set(d, -1.1514610310E-1F));
  p = hn::MulAdd(p, f, hn::Set(d, 1.1676998740E-1F));
  p = hn::MulAdd(p, f, hn::Set(d, -1.2420140846E-1F));
  p = hn::MulAdd(p, f, hn::Set(d, 1.4249322787E-1F));
  p = hn::MulAdd(p, f, hn::Set(d, -1.6668057665E-1F));
  p = hn::MulAdd(p, f, hn::Set(d, 2.0000714765E-1F));
  p = hn::MulAdd(p, f, hn::Set(d, -2.4999993993E-1F));
  p = hn::MulAdd(p, f, hn::Set(d, 3.3333331174E-1F));
  return hn::Mul(hn::Mul(hn::Mul(f, f), f), p);
}

// ln x; -infinity at 0, NaN below.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Log(D d, V x) {
  const hn::RebindToSigned<D> di;
  const V infinity = hn::Set(d, std::numeric_limits<float>::infinity());
  const auto small = hn::Lt(x, hn::Set(d, std::numeric_limits<float>::min()));  // subnormal
  const V scaled = hn::IfThenElse(small, hn::Mul(x, hn::Set(d, 0x1p25F)), x);
  // x = 2^n m with m in [sqrt(1/2), sqrt(2)): the exponent's field, of x over sqrt(1/2).
  const auto root_half = hn::Set(di, 0x3F3504F3);
  const auto n_bits = hn::ShiftRight<23>(hn::Sub(hn::BitCast(di, scaled), root_half));
  const V m = hn::BitCast(d, hn::Sub(hn::BitCast(di, scaled), hn::ShiftLeft<23>(n_bits)));
  const V n = hn::Sub(hn::ConvertTo(d, n_bits), hn::IfThenElseZero(small, hn::Set(d, 25.0F)));
  const V f = hn::Sub(m, hn::Set(d, 1.0F));
  V y = hn::MulAdd(n, hn::Set(d, -2.12194440e-4F), LogTail(d, f));  // ln(2)'s remainder
  y = hn::MulAdd(hn::Set(d, -0.5F), hn::Mul(f, f), y);
  y = hn::MulAdd(n, hn::Set(d, 0.693359375F), hn::Add(f, y));  // and its high part
  y = hn::IfThenElse(hn::Eq(x, infinity), infinity, y);
  y = hn::IfThenElse(hn::Eq(x, hn::Zero(d)), hn::Neg(infinity), y);
  const V nan = hn::Set(d, std::numeric_limits<float>::quiet_NaN());
  return hn::IfThenElse(hn::Ge(x, hn::Zero(d)), y, nan);
}

// ln(1 + x) for 0 <= x <= 1: what 1 + x rounds off is made up for by x / ((1 + x) - 1) (Kahan).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Log1p(D d, V x) {
  const V one = hn::Set(d, 1.0F);
  const V u = hn::Add(one, x);
  const auto lost = hn::Eq(u, one);
  const V divisor = hn::IfThenElse(lost, one, hn::Sub(u, one));
  return hn::IfThenElse(lost, x, hn::Mul(Log(d, u), hn::Div(x, divisor)));
}

// e^x; infinity above 88.7, 0 below -87, where float32 would be subnormal.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V WideExp(D d, V x) {
  const V half = Exp(d, hn::Mul(x, hn::Set(d, 0.5F)));
  const V y = hn::IfThenElse(hn::Gt(x, hn::Set(d, 88.0F)), hn::Mul(half, half), Exp(d, x));
  return hn::IfThenZeroElse(hn::Lt(x, hn::Set(d, -87.0F)), y);
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
