#include "kernels/cpu/broadcast.h"

#include "fovea/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/broadcast.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/vectors-inl.h"

#ifndef FOVEA_KERNELS_CPU_BROADCAST_ONCE
#define FOVEA_KERNELS_CPU_BROADCAST_ONCE
namespace fovea::cpu {

struct Offsets {
  int64_t output = 0, a = 0, b = 0;
};

// The position that is number `index` in the order of those axes but the innermost that `include` picks.
template <class F>
Offsets outer_position(const Broadcast& shape, int64_t index, const F& include) {
  Offsets offsets;
  int64_t stride = shape.inner().extent;  // of the output
  for (int i = shape.rank - 2; i >= 0; --i) {
    const BroadcastAxis& axis = shape[i];
    if (include(axis)) {
      const int64_t position = index % axis.extent;
      index /= axis.extent;
      offsets.output += position * stride;
      offsets.a += position * axis.a;
      offsets.b += position * axis.b;
    }
    stride *= axis.extent;
  }
  return offsets;
}

inline bool repeats(const BroadcastAxis& axis) { return axis.a == 0; }
inline bool runs(const BroadcastAxis& axis) { return axis.a != 0; }

// Product of the extents of those axes but the innermost that `include` picks.
template <class F>
int64_t outer_count(const Broadcast& shape, const F& include) {
  int64_t count = 1;
  for (int i = 0; i < shape.rank - 1; ++i) count *= include(shape[i]) ? shape[i].extent : 1;
  return count;
}

}  // namespace fovea::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Elements i, i + 1 ... of a row, or its one element again and again.
template <class D>
HWY_INLINE hn::Vec<D> LoadStrided(D d, const float* row, int64_t stride, int64_t i) {
  return stride == 0 ? hn::Set(d, *row) : hn::LoadU(d, row + i);
}

// Elements [begin, end) of the output, row by row.
void BinaryForward(Binary function, Broadcast shape, int64_t begin, int64_t end, const float* a, const float* b,
                   float* y) {
  const BroadcastAxis inner = shape.inner();
  while (begin < end) {
    const int64_t first = begin % inner.extent;
    const int64_t count = HWY_MIN(inner.extent - first, end - begin);
    const Offsets row = outer_position(shape, begin / inner.extent, [](const BroadcastAxis&) { return true; });
    const float* const a_row = a + row.a + first * inner.a;
    const float* const b_row = b + row.b + first * inner.b;
    float* const y_row = y + begin;
    for_each_channel(count, [=](auto d, int64_t i) {
      const auto u = LoadStrided(d, a_row, inner.a, i);
      const auto v = LoadStrided(d, b_row, inner.b, i);
      hn::StoreU(function == Binary::add ? hn::Add(u, v) : hn::Mul(u, v), d, y_row + i);
    });
    begin += count;
  }
}

// Rows [begin, end) of da, each the sum over the axes along which a repeats.
void BinaryGradient(Broadcast shape, int64_t begin, int64_t end, const float* dy, const float* slope, float* da) {
  const BroadcastAxis inner = shape.inner();
  const int64_t repetitions = outer_count(shape, repeats);
  for (int64_t row = begin; row < end; ++row) {
    const Offsets to = outer_position(shape, row, runs);
    float* const sums = da + to.a;
    std::fill(sums, sums + (inner.a == 0 ? 1 : inner.extent), 0.0F);
    for (int64_t i = 0; i < repetitions; ++i) {
      const Offsets from = outer_position(shape, i, repeats);
      const float* const dy_row = dy + to.output + from.output;
      const float* const slope_row = slope + to.b + from.b;
      const auto term = [=](auto d, int64_t k) {
        return hn::Mul(hn::LoadU(d, dy_row + k), LoadStrided(d, slope_row, inner.b, k));
      };
      if (inner.a == 0) {
        *sums += sum_of_vectors(inner.extent, term);
      } else {
        for_each_channel(inner.extent, [&](auto d, int64_t k) {
          hn::StoreU(hn::Add(hn::LoadU(d, sums + k), term(d, k)), d, sums + k);
        });
      }
    }
  }
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::cpu {

HWY_EXPORT(BinaryForward);
HWY_EXPORT(BinaryGradient);

namespace {
constexpr int64_t grain = 16384;  // elements per chunk
}

void binary_forward(Binary function, const Broadcast& shape, const float* a, const float* b, float* y) {
  auto* const kernel = HWY_DYNAMIC_DISPATCH(BinaryForward);
  const int64_t count = shape.inner().extent * outer_count(shape, [](const BroadcastAxis&) { return true; });
  parallel_for(count, grain, [&](int64_t begin, int64_t end) { kernel(function, shape, begin, end, a, b, y); });
}

void binary_gradient(const Broadcast& shape, const float* dy, const float* slope, float* da) {
  const int64_t repetitions = outer_count(shape, repeats);
  if (repetitions == 1 && runs(shape.inner())) {  // a is of the output's shape
    return binary_forward(Binary::multiply, shape, dy, slope, da);
  }
  auto* const kernel = HWY_DYNAMIC_DISPATCH(BinaryGradient);
  parallel_for(outer_count(shape, runs), std::max<int64_t>(1, grain / (repetitions * shape.inner().extent)),
               [&](int64_t begin, int64_t end) { kernel(shape, begin, end, dy, slope, da); });
}

}  // namespace fovea::cpu
#endif
