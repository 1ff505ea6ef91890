// The activation functions on vectors; re-included per instruction set, so no #pragma once.
#if defined(FOVEA_KERNELS_CPU_ACTIVATION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FOVEA_KERNELS_CPU_ACTIVATION_INL_H_
#undef FOVEA_KERNELS_CPU_ACTIVATION_INL_H_
#else
#define FOVEA_KERNELS_CPU_ACTIVATION_INL_H_
#endif

#include <hwy/highway.h>

#include "kernels/cpu/epilogue.h"
#include "kernels/cpu/math-inl.h"
#include "kernels/cpu/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// NaN stays NaN: x86 returns the second operand of Max and Min when there is one, Arm the NaN.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V ClampVector(D d, const Clamp& clamp, V v) {
  return hn::Max(hn::Set(d, clamp.low), hn::Min(hn::Set(d, clamp.high), v));
}

// clamp(x + 3, 0, 6) / 6
template <class D, class V = hn::Vec<D>>
HWY_INLINE V HardSigmoid(D d, V v) {
  return hn::Mul(ClampVector(d, clamp_of(Pointwise::relu6), hn::Add(v, hn::Set(d, 3.0F))), hn::Set(d, 1.0F / 6));
}

// Calls body(f) with f(tag, vector) the activation.
template <class Body>
HWY_INLINE void WithActivation(Pointwise function, float alpha, const Body& body) {
  switch (function) {
    case Pointwise::identity:
    case Pointwise::relu:
    case Pointwise::relu6:
      return body([clamp = clamp_of(function)](auto d, auto v) { return ClampVector(d, clamp, v); });
    case Pointwise::leaky_relu:
      return body(
          [=](auto d, auto v) { return hn::IfThenElse(hn::Gt(v, hn::Zero(d)), v, hn::Mul(hn::Set(d, alpha), v)); });
    case Pointwise::elu:
      return body([=](auto d, auto v) {
        return hn::IfThenElse(hn::Gt(v, hn::Zero(d)), v, hn::Mul(hn::Set(d, alpha), Expm1(d, v)));
      });
    case Pointwise::sigmoid:
      return body([](auto d, auto v) { return Sigmoid(d, v); });
    case Pointwise::tanh:
      return body([](auto d, auto v) { return Tanh(d, v); });
    case Pointwise::hard_sigmoid:
      return body([](auto d, auto v) { return HardSigmoid(d, v); });
    case Pointwise::hard_swish:
      return body([](auto d, auto v) { return hn::Mul(v, HardSigmoid(d, v)); });
    case Pointwise::silu:
      return body([](auto d, auto v) { return TimesSigmoid(d, v, v); });
    case Pointwise::gelu:
      return body([](auto d, auto v) { return hn::Mul(v, NormalDistribution(d, v)); });
  }
}

// y[i] = f(x[i]); x and y may be the same.
HWY_INLINE void ActivateRow(Pointwise function, float alpha, int64_t count, const float* x, float* y) {
  WithActivation(function, alpha, [&](const auto& f) {
    for_each_vector(count, [&](auto d, int64_t i) { hn::StoreU(f(d, hn::LoadU(d, x + i)), d, y + i); });
  });
}

// The first `columns` elements of each of so many rows, in place; row(m) is where row m begins.
template <class Row>
HWY_INLINE void ActivateRows(Pointwise function, float alpha, int64_t rows, int64_t columns, const Row& row) {
  WithActivation(function, alpha, [&](const auto& f) {
    for (int64_t m = 0; m < rows; ++m) {
      float* const y = row(m);
      for_each_access<1>(0, columns, [&](auto, auto access, int64_t i) HWY_ATTR {
        access.Store(f(access.d, access.Load(y + i)), y + i);
      });
    }
  });
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
