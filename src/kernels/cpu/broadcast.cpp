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

// Calls body(f) with f(tag, u, v) the function. NaN stays NaN.
template <class Body>
HWY_INLINE void WithBinary(Binary function, const Body& body) {
  switch (function) {
    case Binary::add:
      return body([](auto, auto u, auto v) { return hn::Add(u, v); });
    case Binary::subtract:
      return body([](auto, auto u, auto v) { return hn::Sub(u, v); });
    case Binary::multiply:
      return body([](auto, auto u, auto v) { return hn::Mul(u, v); });
    case Binary::divide:
      return body([](auto, auto u, auto v) { return hn::Div(u, v); });
    case Binary::minimum:
      return body([](auto, auto u, auto v) { return hn::IfThenElse(hn::Or(hn::Lt(u, v), hn::IsNaN(u)), u, v); });
    case Binary::maximum:
      return body([](auto, auto u, auto v) { return hn::IfThenElse(hn::Or(hn::Gt(u, v), hn::IsNaN(u)), u, v); });
    case Binary::equal:
      return body([](auto d, auto u, auto v) { return hn::IfThenElseZero(hn::Eq(u, v), hn::Set(d, 1.0F)); });
  }
}

// Calls body(f) with f(tag, x, z) the slope, where x() and z() load the operands.
template <class Body>
HWY_INLINE void WithSlope(Slope slope, const Body& body) {
  switch (slope) {
    case Slope::one:
      return body([](auto d, const auto&, const auto&) { return hn::Set(d, 1.0F); });
    case Slope::minus_one:
      return body([](auto d, const auto&, const auto&) { return hn::Set(d, -1.0F); });
    case Slope::other:
      return body([](auto, const auto&, const auto& z) { return z(); });
    case Slope::reciprocal:
      return body([](auto d, const auto&, const auto& z) { return hn::Div(hn::Set(d, 1.0F), z()); });
    case Slope::ratio:
      return body([](auto, const auto& x, const auto& z) {
        const auto v = x();
        return hn::Div(hn::Neg(z()), hn::Mul(v, v));
      });
    case Slope::below:
    case Slope::above:
      return body([slope](auto d, const auto& x, const auto& z) {
        const auto u = x();
        const auto v = z();
        const auto wins = slope == Slope::below ? hn::Lt(u, v) : hn::Gt(u, v);
        const auto tie = hn::IfThenElseZero(hn::Eq(u, v), hn::Set(d, 0.5F));
        return hn::IfThenElse(wins, hn::Set(d, 1.0F), tie);
      });
  }
}

// Calls row(offset in the output, those of a and b, count) for the parts of rows that make up elements [begin, end).
template <class Row>
HWY_INLINE void for_each_row(const Broadcast& shape, int64_t begin, int64_t end, const Row& row) {
  const BroadcastAxis& inner = shape.inner();
  const BroadcastAxis outer = shape.rank > 1 ? shape[shape.rank - 2] : BroadcastAxis{.extent = 1};
  while (begin < end) {
    int64_t first = begin % inner.extent;
    const int64_t index = begin / inner.extent;
    Offsets at = outer_position(shape, index, [](const BroadcastAxis&) { return true; });
    // Without a division for each row.
    for (int64_t left = outer.extent - index % outer.extent; left > 0 && begin < end; --left, first = 0) {
      const int64_t count = HWY_MIN(inner.extent - first, end - begin);
      row(begin, at.a + first * inner.a, at.b + first * inner.b, count);
      begin += count;
      at.a += outer.a;
      at.b += outer.b;
    }
  }
}

// Elements [begin, end) of the output.
void BinaryForward(Binary function, const Broadcast& shape, int64_t begin, int64_t end, const float* a, const float* b,
                   float* y) {
  const BroadcastAxis inner = shape.inner();
  WithBinary(function, [&](const auto& f) {
    for_each_row(shape, begin, end, [&](int64_t to, int64_t a_at, int64_t b_at, int64_t count) {
      for_each_channel(count, [&](auto d, int64_t i) {
        const auto u = LoadStrided(d, a + a_at, inner.a, i);
        hn::StoreU(f(d, u, LoadStrided(d, b + b_at, inner.b, i)), d, y + to + i);
      });
    });
  });
}

// Elements [begin, end) of dx, where x does not repeat.
void BinaryGradientElements(Slope slope, const Broadcast& shape, int64_t begin, int64_t end, const float* x,
                            const float* z, const float* dy, float* dx) {
  const BroadcastAxis inner = shape.inner();
  WithSlope(slope, [&](const auto& f) {
    for_each_row(shape, begin, end, [&](int64_t to, int64_t x_at, int64_t z_at, int64_t count) {
      for_each_channel(count, [&](auto d, int64_t i) {
        const auto value = f(
            d, [&] { return hn::LoadU(d, x + x_at + i); }, [&] { return LoadStrided(d, z + z_at, inner.b, i); });
        hn::StoreU(hn::Mul(hn::LoadU(d, dy + to + i), value), d, dx + to + i);
      });
    });
  });
}

// Rows [begin, end) of dx, each the sum over the axes along which x repeats.
void BinaryGradient(Slope slope, const Broadcast& shape, int64_t begin, int64_t end, const float* x, const float* z,
                    const float* dy, float* dx) {
  const BroadcastAxis inner = shape.inner();
  const int64_t repetitions = outer_count(shape, repeats);
  WithSlope(slope, [&](const auto& f) {
    for (int64_t row = begin; row < end; ++row) {
      const Offsets to = outer_position(shape, row, runs);
      float* const sums = dx + to.a;
      std::fill(sums, sums + (inner.a == 0 ? 1 : inner.extent), 0.0F);
      for (int64_t i = 0; i < repetitions; ++i) {
        const Offsets from = outer_position(shape, i, repeats);
        const float* const dy_row = dy + to.output + from.output;
        const int64_t z_at = to.b + from.b;
        const auto term = [&](auto d, int64_t k) {
          const auto value = f(
              d, [&] { return LoadStrided(d, x + to.a, inner.a, k); },
              [&] { return LoadStrided(d, z + z_at, inner.b, k); });
          return hn::Mul(hn::LoadU(d, dy_row + k), value);
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
  });
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::cpu {

HWY_EXPORT(BinaryForward);
HWY_EXPORT(BinaryGradientElements);
HWY_EXPORT(BinaryGradient);

namespace {
constexpr int64_t grain = 16384;  // elements per chunk

int64_t elements(const Broadcast& shape) {
  return shape.inner().extent * outer_count(shape, [](const BroadcastAxis&) { return true; });
}
}  // namespace

void binary_forward(Binary function, const Broadcast& shape, const float* a, const float* b, float* y) {
  auto* const kernel = HWY_DYNAMIC_DISPATCH(BinaryForward);
  parallel_for(elements(shape), grain,
               [&](int64_t begin, int64_t end) { kernel(function, shape, begin, end, a, b, y); });
}

void binary_gradient(Slope slope, const Broadcast& shape, const float* x, const float* z, const float* dy, float* dx) {
  const int64_t repetitions = outer_count(shape, repeats);
  if (repetitions == 1 && runs(shape.inner())) {  // x is of the output's shape
    auto* const kernel = HWY_DYNAMIC_DISPATCH(BinaryGradientElements);
    return parallel_for(elements(shape), grain,
                        [&](int64_t begin, int64_t end) { kernel(slope, shape, begin, end, x, z, dy, dx); });
  }
  auto* const kernel = HWY_DYNAMIC_DISPATCH(BinaryGradient);
  parallel_for(outer_count(shape, runs), std::max<int64_t>(1, grain / (repetitions * shape.inner().extent)),
               [&](int64_t begin, int64_t end) { kernel(slope, shape, begin, end, x, z, dy, dx); });
}

}  // namespace fovea::cpu
#endif
