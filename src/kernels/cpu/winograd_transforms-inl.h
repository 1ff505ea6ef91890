// The one-dimensional transforms of F(4, 3); re-included per instruction set, so no #pragma once.
//
// Interpolation at 0, a, -a, b, -b and infinity, with a = sqrt(1/2) and b = sqrt(2). Products of the usual points (0,
// 1, -1, 2, -2) round 2 times worse (4 times at the largest error): powers of 2 range over 8, those of a and b
// over 2.8. Each function works on vectors, from in[0], in[stride] ... to out[0], out[1] ...
#if defined(FOVEA_KERNELS_CPU_WINOGRAD_TRANSFORMS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FOVEA_KERNELS_CPU_WINOGRAD_TRANSFORMS_INL_H_
#undef FOVEA_KERNELS_CPU_WINOGRAD_TRANSFORMS_INL_H_
#else
#define FOVEA_KERNELS_CPU_WINOGRAD_TRANSFORMS_INL_H_
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using WinogradTag = hn::ScalableTag<float>;
using WinogradVector = hn::Vec<WinogradTag>;

constexpr float winograd_a = 0.70710678F;
constexpr float winograd_b = 1.41421356F;

// x * constant + y
template <class D, class V = hn::Vec<D>>
HWY_INLINE V AddScaled(D d, V y, float constant, V x) {
  return hn::MulAdd(hn::Set(d, constant), x, y);
}
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Scaled(D d, float constant, V x) {
  return hn::Mul(hn::Set(d, constant), x);
}

// Six inputs to six values at the points.
template <class D, class V = hn::Vec<D>>
HWY_INLINE void WinogradInput(D d, const V* HWY_RESTRICT in, int stride, V* HWY_RESTRICT out) {
  const V x0 = in[0], x1 = in[stride], x2 = in[2 * stride], x3 = in[3 * stride], x4 = in[4 * stride],
          x5 = in[5 * stride];
  const V even_a = AddScaled(d, x4, -2.0F, x2), odd_a = AddScaled(d, Scaled(d, winograd_a, x3), -winograd_b, x1);
  const V even_b = AddScaled(d, x4, -0.5F, x2), odd_b = AddScaled(d, Scaled(d, winograd_b, x3), -winograd_a, x1);
  out[0] = AddScaled(d, hn::Add(x0, x4), -2.5F, x2);
  out[1] = hn::Add(even_a, odd_a);
  out[2] = hn::Sub(even_a, odd_a);
  out[3] = hn::Add(even_b, odd_b);
  out[4] = hn::Sub(even_b, odd_b);
  out[5] = AddScaled(d, hn::Add(x1, x5), -2.5F, x3);
}

// Products at the points to four outputs.
template <class D, class V = hn::Vec<D>>
HWY_INLINE void WinogradOutput(D d, const V* HWY_RESTRICT in, int stride, V* HWY_RESTRICT out) {
  const V sum_a = hn::Add(in[stride], in[2 * stride]), difference_a = hn::Sub(in[stride], in[2 * stride]);
  const V sum_b = hn::Add(in[3 * stride], in[4 * stride]), difference_b = hn::Sub(in[3 * stride], in[4 * stride]);
  out[0] = hn::Add(hn::Add(in[0], sum_a), sum_b);
  out[1] = AddScaled(d, Scaled(d, winograd_a, difference_a), winograd_b, difference_b);
  out[2] = AddScaled(d, Scaled(d, 0.5F, sum_a), 2.0F, sum_b);
  out[3] = AddScaled(d, AddScaled(d, in[5 * stride], winograd_a / 2, difference_a), winograd_b * 2, difference_b);
}

// Three weights to six values at the points, divided by what the interpolation asks for.
template <class D, class V = hn::Vec<D>>
HWY_INLINE void WinogradFilter(D d, const V* HWY_RESTRICT in, int stride, V* HWY_RESTRICT out) {
  const V w0 = in[0], w1 = in[stride], w2 = in[2 * stride];
  const V even_a = Scaled(d, -1 / 1.5F, AddScaled(d, w0, 0.5F, w2)), odd_a = Scaled(d, -winograd_a / 1.5F, w1);
  const V even_b = Scaled(d, 1 / 6.0F, AddScaled(d, w0, 2.0F, w2)), odd_b = Scaled(d, winograd_b / 6, w1);
  out[0] = w0;
  out[1] = hn::Add(even_a, odd_a);
  out[2] = hn::Sub(even_a, odd_a);
  out[3] = hn::Add(even_b, odd_b);
  out[4] = hn::Sub(even_b, odd_b);
  out[5] = w2;
}

// The transposes of the latter two, for weight gradients. Four output gradients to six values at the points.
template <class D, class V = hn::Vec<D>>
HWY_INLINE void WinogradOutputGradient(D d, const V* HWY_RESTRICT in, int stride, V* HWY_RESTRICT out) {
  const V y0 = in[0], y1 = in[stride], y2 = in[2 * stride], y3 = in[3 * stride];
  const V even_a = AddScaled(d, y0, 0.5F, y2);
  const V odd_a = AddScaled(d, Scaled(d, winograd_a, y1), winograd_a / 2, y3);
  const V even_b = AddScaled(d, y0, 2.0F, y2);
  const V odd_b = AddScaled(d, Scaled(d, winograd_b, y1), winograd_b * 2, y3);
  out[0] = y0;
  out[1] = hn::Add(even_a, odd_a);
  out[2] = hn::Sub(even_a, odd_a);
  out[3] = hn::Add(even_b, odd_b);
  out[4] = hn::Sub(even_b, odd_b);
  out[5] = y3;
}

// Products at the points to three weight gradients.
template <class D, class V = hn::Vec<D>>
HWY_INLINE void WinogradFilterGradient(D d, const V* HWY_RESTRICT in, int stride, V* HWY_RESTRICT out) {
  const V sum_a = hn::Add(in[stride], in[2 * stride]), difference_a = hn::Sub(in[stride], in[2 * stride]);
  const V sum_b = hn::Add(in[3 * stride], in[4 * stride]), difference_b = hn::Sub(in[3 * stride], in[4 * stride]);
  out[0] = AddScaled(d, AddScaled(d, in[0], -1 / 1.5F, sum_a), 1 / 6.0F, sum_b);
  out[1] = AddScaled(d, Scaled(d, -winograd_a / 1.5F, difference_a), winograd_b / 6, difference_b);
  out[2] = AddScaled(d, in[5 * stride], 1 / 3.0F, hn::Sub(sum_b, sum_a));
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
