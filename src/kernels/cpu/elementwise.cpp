#include "kernels/cpu/elementwise.h"

#include <cmath>

#include "fovea/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/elementwise.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/log-inl.h"
#include "kernels/cpu/math-inl.h"
#include "kernels/cpu/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr float selu_alpha = 1.6732632423543772F;
constexpr float selu_scale = 1.0507009873554805F;

// ln(1 + e^x) = max(x, 0) + ln(1 + e^-|x|)
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Softplus(D d, V x) {
  const V rest = Log1p(d, Exp(d, hn::Neg(hn::Abs(x))));
  return hn::IfThenElse(hn::IsNaN(x), x, hn::Add(hn::Max(x, hn::Zero(d)), rest));
}

// t = tanh(ln(1 + e^x)) = m / (m + 2) with m = e^x (e^x + 2), and 1 - t^2 = 4 (m + 1) / (m + 2)^2.
template <class V>
struct TanhOfSoftplus {
  V t, slope;
};
template <class D, class V = hn::Vec<D>>
HWY_INLINE TanhOfSoftplus<V> MishFactors(D d, V x) {
  const V e = Exp(d, hn::Min(x, hn::Set(d, 20.0F)));  // beyond, the float32 result is 1
  const V m = hn::Mul(e, hn::Add(e, hn::Set(d, 2.0F)));
  const V r = Reciprocal(d, hn::Add(m, hn::Set(d, 2.0F)));
  const V slope = hn::Mul(hn::Mul(hn::Set(d, 4.0F), hn::Mul(hn::Add(m, hn::Set(d, 1.0F)), r)), r);
  return {hn::IfThenElse(hn::IsNaN(x), x, hn::Mul(m, r)), slope};
}

// x^p for whole p of at most 64, by squaring.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V WholePower(D d, V x, int p) {
  V result = hn::Set(d, 1.0F);
  V square = x;
  for (int rest = p < 0 ? -p : p; rest > 0; rest /= 2) {
    if (rest % 2 == 1) result = hn::Mul(result, square);
    square = hn::Mul(square, square);
  }
  return p < 0 ? hn::Div(hn::Set(d, 1.0F), result) : result;
}

// Calls f with a tag and a vector's elements one by one.
template <class D, class V, class F>
HWY_INLINE V EachLane(D d, V x, const F& f) {
  HWY_ALIGN float lanes[HWY_LANES(float)];
  hn::Store(x, d, lanes);
  for (size_t i = 0; i < hn::Lanes(d); ++i) lanes[i] = f(lanes[i]);
  return hn::Load(d, lanes);
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V Power(D d, V x, float exponent) {
  if (exponent == 0.5F) return hn::Sqrt(x);
  if (exponent == std::floor(exponent) && std::abs(exponent) <= 64.0F) {
    return WholePower(d, x, static_cast<int>(exponent));
  }
  return EachLane(d, x, [=](float v) { return std::pow(v, exponent); });
}

// Calls body(f) with f(tag, vector) the function.
template <class Body>
HWY_INLINE void WithElementwise(Elementwise function, const Coefficients& c, const Body& body) {
  switch (function) {
    case Elementwise::exp:
      return body([](auto d, auto v) { return WideExp(d, v); });
    case Elementwise::log:
      return body([](auto d, auto v) { return Log(d, v); });
    case Elementwise::sqrt:
      return body([](auto, auto v) { return hn::Sqrt(v); });
    case Elementwise::abs:
      return body([](auto, auto v) { return hn::Abs(v); });
    case Elementwise::negate:
      return body([](auto, auto v) { return hn::Neg(v); });
    case Elementwise::power:
      return body([=](auto d, auto v) { return Power(d, v, c.alpha); });
    case Elementwise::clip:
      return body([=](auto d, auto v) {
        return hn::IfThenElse(hn::IsNaN(v), v, hn::Min(hn::Max(v, hn::Set(d, c.alpha)), hn::Set(d, c.beta)));
      });
    case Elementwise::softplus:
      return body([](auto d, auto v) { return Softplus(d, v); });
    case Elementwise::selu:
      return body([](auto d, auto v) {
        const auto negative = hn::Mul(hn::Set(d, selu_alpha * selu_scale), Expm1(d, v));
        return hn::IfThenElse(hn::Gt(v, hn::Zero(d)), hn::Mul(hn::Set(d, selu_scale), v), negative);
      });
    case Elementwise::mish:
      return body([](auto d, auto v) { return hn::Mul(v, MishFactors(d, v).t); });
    case Elementwise::smooth_abs:
      return body([=](auto d, auto v) {
        const auto size = hn::Abs(v);
        const auto near = hn::Mul(hn::Mul(v, v), hn::Set(d, 0.5F / c.alpha));
        const auto beyond = hn::Sub(size, hn::Set(d, 0.5F * c.alpha));
        return hn::IfThenElse(hn::Lt(size, hn::Set(d, c.alpha)), near, beyond);
      });
    case Elementwise::round:
      return body([](auto, auto v) { return hn::Round(v); });
  }
}

// Calls body(f) with f(tag, x, y) the slope, where x() and y() load the vectors.
template <class Body>
HWY_INLINE void WithElementwiseSlope(Elementwise function, const Coefficients& c, const Body& body) {
  const auto one = [](auto d) { return hn::Set(d, 1.0F); };
  switch (function) {
    case Elementwise::exp:
      return body([](auto, const auto&, const auto& y) { return y(); });
    case Elementwise::log:
      return body([=](auto d, const auto& x, const auto&) { return hn::Div(one(d), x()); });
    case Elementwise::sqrt:
      return body([](auto d, const auto&, const auto& y) { return hn::Div(hn::Set(d, 0.5F), y()); });
    case Elementwise::abs:
      return body([=](auto d, const auto& x, const auto&) {
        const auto v = x();
        return hn::IfThenElse(hn::Eq(v, hn::Zero(d)), hn::Zero(d), hn::CopySign(one(d), v));
      });
    case Elementwise::negate:
      return body([](auto d, const auto&, const auto&) { return hn::Set(d, -1.0F); });
    case Elementwise::power:
      return body([=](auto d, const auto& x, const auto&) {
        if (c.alpha == 0.0F) return hn::Zero(d);
        return hn::Mul(hn::Set(d, c.alpha), Power(d, x(), c.alpha - 1.0F));
      });
    case Elementwise::clip:
      return body([=](auto d, const auto& x, const auto&) {
        const auto v = x();
        const auto inside = hn::And(hn::Ge(v, hn::Set(d, c.alpha)), hn::Le(v, hn::Set(d, c.beta)));
        return hn::IfThenElseZero(inside, one(d));
      });
    case Elementwise::softplus:
      return body([](auto d, const auto& x, const auto&) { return Sigmoid(d, x()); });
    case Elementwise::selu:
      return body([](auto d, const auto& x, const auto& y) {
        const auto negative = hn::Add(y(), hn::Set(d, selu_alpha * selu_scale));
        return hn::IfThenElse(hn::Gt(x(), hn::Zero(d)), hn::Set(d, selu_scale), negative);
      });
    case Elementwise::mish:
      return body([](auto d, const auto& x, const auto&) {
        const auto v = x();
        const auto factors = MishFactors(d, v);
        return hn::MulAdd(hn::Mul(v, factors.slope), Sigmoid(d, v), factors.t);
      });
    case Elementwise::smooth_abs:
      return body([=](auto d, const auto& x, const auto&) {
        const auto v = hn::Mul(x(), hn::Set(d, 1.0F / c.alpha));
        return hn::Min(hn::Max(v, hn::Set(d, -1.0F)), one(d));
      });
    case Elementwise::round:
      return body([=](auto d, const auto&, const auto&) { return one(d); });
  }
}

void ElementwiseForward(Elementwise function, const Coefficients& c, int64_t count, const float* x, float* y) {
  WithElementwise(function, c, [&](const auto& f) {
    for_each_vector(count, [&](auto d, int64_t i) { hn::StoreU(f(d, hn::LoadU(d, x + i)), d, y + i); });
  });
}

void ElementwiseBackward(Elementwise function, const Coefficients& c, int64_t count, const float* x, const float* y,
                         const float* dy, float* dx) {
  WithElementwiseSlope(function, c, [&](const auto& slope) {
    for_each_vector(count, [&](auto d, int64_t i) {
      const auto s = slope(
          d, [&] { return hn::LoadU(d, x + i); }, [&] { return hn::LoadU(d, y + i); });
      hn::StoreU(hn::Mul(hn::LoadU(d, dy + i), s), d, dx + i);
    });
  });
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::cpu {

HWY_EXPORT(ElementwiseForward);
HWY_EXPORT(ElementwiseBackward);

namespace {
constexpr int64_t grain = 16384;  // elements per chunk
}

void elementwise_forward(Elementwise function, const Coefficients& coefficients, int64_t count, const float* x,
                         float* y) {
  auto* const kernel = HWY_DYNAMIC_DISPATCH(ElementwiseForward);
  parallel_for(count, grain,
               [&](int64_t begin, int64_t end) { kernel(function, coefficients, end - begin, x + begin, y + begin); });
}

void elementwise_backward(Elementwise function, const Coefficients& coefficients, int64_t count, const float* x,
                          const float* y, const float* dy, float* dx) {
  auto* const kernel = HWY_DYNAMIC_DISPATCH(ElementwiseBackward);
  parallel_for(count, grain, [&](int64_t begin, int64_t end) {
    kernel(function, coefficients, end - begin, x ? x + begin : nullptr, y ? y + begin : nullptr, dy + begin,
           dx + begin);
  });
}

}  // namespace fovea::cpu
#endif
