#include "kernels/cpu/pointwise.h"

#include "fovea/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/pointwise.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/activation-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

void PointwiseForward(Pointwise function, float alpha, int64_t count, const float* x, float* y) {
  ActivateRow(function, alpha, count, x, y);
}

void PointwiseBackward(Pointwise function, float alpha, int64_t count, const float* x, const float* y, const float* dy,
                       float* dx) {
  const auto apply = [&](const auto& slope) {
    for_each_vector(count,
                    [&](auto d, int64_t i) { hn::StoreU(hn::Mul(hn::LoadU(d, dy + i), slope(d, i)), d, dx + i); });
  };
  const auto one = [](auto d) { return hn::Set(d, 1.0F); };
  switch (function) {
    case Pointwise::identity:
      return apply([&](auto d, int64_t) { return one(d); });
    case Pointwise::relu:
      return apply(
          [&](auto d, int64_t i) { return hn::IfThenElseZero(hn::Gt(hn::LoadU(d, y + i), hn::Zero(d)), one(d)); });
    case Pointwise::leaky_relu:
      return apply([&](auto d, int64_t i) {
        return hn::IfThenElse(hn::Gt(hn::LoadU(d, x + i), hn::Zero(d)), one(d), hn::Set(d, alpha));
      });
    case Pointwise::elu:
      return apply([&](auto d, int64_t i) {
        const auto negative = hn::Add(hn::LoadU(d, y + i), hn::Set(d, alpha));
        return hn::IfThenElse(hn::Gt(hn::LoadU(d, x + i), hn::Zero(d)), one(d), negative);
      });
    case Pointwise::sigmoid:
      return apply([&](auto d, int64_t i) {
        const auto v = hn::LoadU(d, y + i);
        return hn::Mul(v, hn::Sub(one(d), v));
      });
    case Pointwise::tanh:
      return apply([&](auto d, int64_t i) {
        const auto v = hn::LoadU(d, y + i);
        return hn::NegMulAdd(v, v, one(d));
      });
    case Pointwise::relu6:
      return apply([&](auto d, int64_t i) {
        const auto v = hn::LoadU(d, y + i);
        const auto open = hn::And(hn::Gt(v, hn::Zero(d)), hn::Lt(v, hn::Set(d, 6.0F)));
        return hn::IfThenElseZero(open, one(d));
      });
    case Pointwise::hard_sigmoid:
      return apply([&](auto d, int64_t i) {
        const auto v = hn::LoadU(d, y + i);
        return hn::IfThenElseZero(hn::And(hn::Gt(v, hn::Zero(d)), hn::Lt(v, one(d))), hn::Set(d, 1.0F / 6));
      });
    case Pointwise::hard_swish:
      return apply([&](auto d, int64_t i) {
        const auto v = hn::LoadU(d, x + i);
        const auto three = hn::Set(d, 3.0F);
        const auto between = hn::MulAdd(v, hn::Set(d, 1.0F / 3), hn::Set(d, 0.5F));
        return hn::IfThenElseZero(hn::Gt(v, hn::Neg(three)), hn::IfThenElse(hn::Lt(v, three), between, one(d)));
      });
    case Pointwise::silu:
      return apply([&](auto d, int64_t i) {
        const auto v = hn::LoadU(d, x + i);
        const auto s = Sigmoid(d, v);
        return hn::Mul(s, hn::MulAdd(v, hn::Sub(one(d), s), one(d)));
      });
    case Pointwise::gelu:
      return apply([&](auto d, int64_t i) {
        const auto v = hn::LoadU(d, x + i);
        const auto density =
            hn::Mul(hn::Set(d, 0.39894228040143268F), Exp(d, hn::Mul(hn::Set(d, -0.5F), hn::Mul(v, v))));
        return hn::MulAdd(v, density, NormalDistribution(d, v));
      });
  }
}

void Accumulate(int64_t count, const float* addend, float* sum) {
  for_each_vector(count, [&](auto d, int64_t i) HWY_ATTR {
    hn::StoreU(hn::Add(hn::LoadU(d, sum + i), hn::LoadU(d, addend + i)), d, sum + i);
  });
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::cpu {

HWY_EXPORT(PointwiseForward);
HWY_EXPORT(PointwiseBackward);
HWY_EXPORT(Accumulate);

namespace {
constexpr int64_t grain = 16384;  // elements per chunk: 64 KB in and out, microseconds of work
}

void pointwise_forward(Pointwise function, float alpha, int64_t count, const float* x, float* y) {
  auto* const kernel = HWY_DYNAMIC_DISPATCH(PointwiseForward);
  parallel_for(count, grain,
               [&](int64_t begin, int64_t end) { kernel(function, alpha, end - begin, x + begin, y + begin); });
}

void pointwise_backward(Pointwise function, float alpha, int64_t count, const float* x, const float* y, const float* dy,
                        float* dx) {
  auto* const kernel = HWY_DYNAMIC_DISPATCH(PointwiseBackward);
  parallel_for(count, grain, [&](int64_t begin, int64_t end) {
    kernel(function, alpha, end - begin, x ? x + begin : nullptr, y ? y + begin : nullptr, dy + begin, dx + begin);
  });
}

void accumulate(int64_t count, const float* addend, float* sum) {
  auto* const kernel = HWY_DYNAMIC_DISPATCH(Accumulate);
  parallel_for(count, grain, [&](int64_t begin, int64_t end) { kernel(end - begin, addend + begin, sum + begin); });
}

}  // namespace fovea::cpu
#endif
