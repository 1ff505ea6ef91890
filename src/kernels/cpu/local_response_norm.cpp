#include "kernels/cpu/local_response_norm.h"

#include <algorithm>

#include "fovea/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/local_response_norm.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/log-inl.h"
#include "kernels/cpu/math-inl.h"
#include "kernels/cpu/vectors-inl.h"

// The functions below work on one row.
HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Elements i, i + 1 ... of x {count}; 0 where there are none.
template <class D>
HWY_INLINE hn::Vec<D> LoadInside(D d, const float* x, int64_t i, int64_t count) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  if (i >= 0 && i + lanes <= count) return hn::LoadU(d, x + i);
  HWY_ALIGN float values[HWY_LANES(float)] = {};
  for (int64_t k = HWY_MAX(0, -i); k < HWY_MIN(lanes, count - i); ++k) values[k] = x[i + k];
  return hn::Load(d, values);
}

// s^-beta for s > 0
template <class D, class V = hn::Vec<D>>
HWY_INLINE V InversePower(D d, V s, float beta) {
  if (beta == 0.75F) {  // as AlexNet has it
    const V root = hn::Sqrt(s);
    return Reciprocal(d, hn::Mul(root, hn::Sqrt(root)));
  }
  return Exp(d, hn::Mul(hn::Set(d, -beta), Log(d, s)));
}

void LocalResponseRow(const LocalResponse& p, const float* x, float* y, float* sums) {
  for_each_channel(p.channels, [&](auto d, int64_t c) {
    auto squares = hn::Zero(d);
    for (int64_t j = c - p.before; j <= c + p.after; ++j) {
      const auto v = LoadInside(d, x, j, p.channels);
      squares = hn::MulAdd(v, v, squares);
    }
    const auto s = hn::MulAdd(squares, hn::Set(d, static_cast<float>(p.share)), hn::Set(d, static_cast<float>(p.k)));
    hn::StoreU(s, d, sums + c);
    hn::StoreU(hn::Mul(hn::LoadU(d, x + c), InversePower(d, s, static_cast<float>(p.beta))), d, y + c);
  });
}

// products: dy x s^(-beta - 1)
void LocalResponseGradientRow(const LocalResponse& p, const float* x, const float* sums, const float* dy, float* dx,
                              float* products) {
  const auto beta = static_cast<float>(p.beta);
  for_each_channel(p.channels, [&](auto d, int64_t c) {
    const auto s = hn::LoadU(d, sums + c);
    const auto gradient = hn::Mul(hn::LoadU(d, dy + c), InversePower(d, s, beta));
    hn::StoreU(gradient, d, dx + c);
    hn::StoreU(hn::Div(hn::Mul(gradient, hn::LoadU(d, x + c)), s), d, products + c);
  });
  for_each_channel(p.channels, [&](auto d, int64_t j) {
    auto sum = hn::Zero(d);
    for (int64_t c = j - p.after; c <= j + p.before; ++c) {
      sum = hn::Add(sum, LoadInside(d, products, c, p.channels));
    }
    const auto factor = hn::Mul(hn::Set(d, static_cast<float>(-2 * p.share * p.beta)), hn::LoadU(d, x + j));
    hn::StoreU(hn::MulAdd(factor, sum, hn::LoadU(d, dx + j)), d, dx + j);
  });
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::cpu {

HWY_EXPORT(LocalResponseRow);
HWY_EXPORT(LocalResponseGradientRow);

namespace {
int64_t grain(const LocalResponse& p) { return std::max<int64_t>(1, 8192 / p.channels); }  // rows
}  // namespace

void local_response_forward(const LocalResponse& p, const float* x, float* y, float* sums) {
  auto* const kernel = HWY_DYNAMIC_DISPATCH(LocalResponseRow);
  parallel_for(p.rows, grain(p), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin * p.channels; i < end * p.channels; i += p.channels) kernel(p, x + i, y + i, sums + i);
  });
}

void local_response_backward(const LocalResponse& p, const float* x, const float* sums, const float* dy, float* dx,
                             float* scratch) {
  auto* const kernel = HWY_DYNAMIC_DISPATCH(LocalResponseGradientRow);
  parallel_for(p.rows, grain(p), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin * p.channels; i < end * p.channels; i += p.channels) {
      kernel(p, x + i, sums + i, dy + i, dx + i, scratch + i);
    }
  });
}

}  // namespace fovea::cpu
#endif
