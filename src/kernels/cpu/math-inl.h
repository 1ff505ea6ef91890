// Vectorised e^x, tanh, sigmoid and erf of float32, accurate to a few units in the last place; re-included per
// instruction set, so no #pragma once. Polynomial after range reduction as in Cephes (Moshier, expf.c) and Eigen's
// tanh.
#if defined(FOVEA_KERNELS_CPU_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FOVEA_KERNELS_CPU_MATH_INL_H_
#undef FOVEA_KERNELS_CPU_MATH_INL_H_
#else
#define FOVEA_KERNELS_CPU_MATH_INL_H_
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// x as n ln(2) + r with whole n and |r| <= ln(2)/2, where x is clamped to where 2^n is a float.
template <class V>
struct SplitExponent {
  V power;  // 2^n
  V r;
};

// Adding 1.5 * 2^23 rounds to a whole number and leaves it in the lowest bits, from where a shift moves it, with the
// bias of 127 added too, into the exponent. A NaN in x is one in r: x86 returns the second operand of Max and Min when
// there is one, Arm the NaN.
template <class D, class V = hn::Vec<D>>
HWY_INLINE SplitExponent<V> Split(D d, V x) {
  const hn::RebindToSigned<D> di;
  const V magic = hn::Set(d, 12582912.0F + 127.0F);
  const V clamped = hn::Min(hn::Set(d, 88.0F), hn::Max(hn::Set(d, -87.0F), x));
  const V shifted = hn::MulAdd(clamped, hn::Set(d, 1.44269504088896341F), magic);
  const V n = hn::Sub(shifted, magic);
  V r = hn::NegMulAdd(n, hn::Set(d, 0.693359375F), clamped);  // ln(2), high part: exact products
  r = hn::NegMulAdd(n, hn::Set(d, -2.12194440e-4F), r);       // and its remainder
  return {hn::BitCast(d, hn::ShiftLeft<23>(hn::BitCast(di, shifted))), r};
}

// (e^r - 1) / r for |r| <= ln(2)/2: the Taylor series with minimax coefficients at its end (Cephes).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V ExpSeries(D d, V r) {
  V p = hn::Set(d, 1.9875691500E-4F);
  p = hn::MulAdd(p, r, hn::Set(d, 1.3981999507E-3F));
  p = hn::MulAdd(p, r, hn::Set(d, 8.3334519073E-3F));
  p = hn::MulAdd(p, r, hn::Set(d, 4.1665795894E-2F));
  p = hn::MulAdd(p, r, hn::Set(d, 1.6666665459E-1F));
  p = hn::MulAdd(p, r, hn::Set(d, 5.0000001201E-1F));
  return hn::MulAdd(p, r, hn::Set(d, 1.0F));
}

// e^x; results stay within [e^-87, e^88], NaN stays NaN.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Exp(D d, V x) {
  const auto [power, r] = Split(d, x);
  return hn::Mul(hn::MulAdd(ExpSeries(d, r), r, hn::Set(d, 1.0F)), power);
}

// e^x - 1 without cancellation near zero: 2^n (e^r - 1) + (2^n - 1).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Expm1(D d, V x) {
  const auto [power, r] = Split(d, x);
  return hn::MulAdd(power, hn::Mul(ExpSeries(d, r), r), hn::Sub(power, hn::Set(d, 1.0F)));
}

// a / b to two units in the last place. AVX-512 divides slowly, and its approximation of 14 bits needs one step of
// Newton's.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Quotient([[maybe_unused]] D d, V a, V b) {
#if HWY_TARGET == HWY_AVX3
  const V guess = hn::ApproximateReciprocal(b);
  return hn::Mul(hn::Mul(a, guess), hn::NegMulAdd(b, guess, hn::Set(d, 2.0F)));
#else
  return hn::Div(a, b);
#endif
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V Reciprocal(D d, V x) {
  return Quotient(d, hn::Set(d, 1.0F), x);
}

// a / (1 + e^-x), where e^-x = 2^n 2^r with -x / ln(2) = n + r, |r| <= 1/2, and 2^r is a minimax polynomial (relative
// error 7.5e-8). Shorter than Exp, which has to be as exact where e^x is large.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V TimesSigmoid(D d, V a, V x) {
  const hn::RebindToSigned<D> di;
  const V clamped = hn::Min(hn::Set(d, 87.0F), hn::Max(hn::Set(d, -87.0F), x));
  const V magic = hn::Set(d, 12582912.0F + 127.0F);  // as in Split
  const V scale = hn::Set(d, -1.44269504088896341F);
  const V shifted = hn::MulAdd(clamped, scale, magic);
  const V r = hn::MulSub(clamped, scale, hn::Sub(shifted, magic));
  V p = hn::Set(d, 1.327647198E-3F);
  p = hn::MulAdd(p, r, hn::Set(d, 9.675541334E-3F));
  p = hn::MulAdd(p, r, hn::Set(d, 5.550713274E-2F));
  p = hn::MulAdd(p, r, hn::Set(d, 2.402211972E-1F));
  p = hn::MulAdd(p, r, hn::Set(d, 6.931469671E-1F));
  p = hn::MulAdd(p, r, hn::Set(d, 1.000000072F));
  const V power = hn::BitCast(d, hn::ShiftLeft<23>(hn::BitCast(di, shifted)));
  return Quotient(d, a, hn::MulAdd(p, power, hn::Set(d, 1.0F)));
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V Sigmoid(D d, V x) {
  return TimesSigmoid(d, hn::Set(d, 1.0F), x);
}

// tanh x = m / (m + 2) with m = e^2x - 1.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Tanh(D d, V x) {
  // Beyond 9.1 the float32 result is 1; the clamp keeps m finite.
  const V limit = hn::Set(d, 9.1F);
  const V clamped = hn::Min(hn::Max(x, hn::Neg(limit)), limit);
  const V m = Expm1(d, hn::Add(clamped, clamped));
  return hn::IfThenElse(hn::IsNaN(x), x, Quotient(d, m, hn::Add(m, hn::Set(d, 2.0F))));
}

// The error function: a quotient of polynomials (Eigen, MathFunctionsImpl.h), within 4e-7 of it. NaN stays NaN.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Erf(D d, V x) {
  const V limit = hn::Set(d, 4.0F);  // beyond, the float32 result is 1
  const V clamped = hn::Min(hn::Max(x, hn::Neg(limit)), limit);
  const V z = hn::Mul(clamped, clamped);
  V p = hn::Set(d, -2.72614225801306e-10F);
  p = hn::MulAdd(p, z, hn::Set(d, 2.77068142495902e-08F));
  p = hn::MulAdd(p, z, hn::Set(d, -2.10102402082508e-06F));
  p = hn::MulAdd(p, z, hn::Set(d, -5.69250639462346e-05F));
  p = hn::MulAdd(p, z, hn::Set(d, -7.34990630326855e-04F));
  p = hn::MulAdd(p, z, hn::Set(d, -2.95459980854025e-03F));
  p = hn::MulAdd(p, z, hn::Set(d, -1.60960333262415e-02F));
  V q = hn::Set(d, -1.45660718464996e-05F);
  q = hn::MulAdd(q, z, hn::Set(d, -2.13374055278905e-04F));
  q = hn::MulAdd(q, z, hn::Set(d, -1.68282697438203e-03F));
  q = hn::MulAdd(q, z, hn::Set(d, -7.37332916720468e-03F));
  q = hn::MulAdd(q, z, hn::Set(d, -1.42647390514189e-02F));
  return hn::IfThenElse(hn::IsNaN(x), x, Quotient(d, hn::Mul(clamped, p), q));
}

// Of a standard normal number, the probability to be below x: (1 + erf(x / sqrt 2)) / 2.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V NormalDistribution(D d, V x) {
  const V half = hn::Set(d, 0.5F);
  return hn::MulAdd(half, Erf(d, hn::Mul(x, hn::Set(d, 0.70710678118654752F))), half);
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
