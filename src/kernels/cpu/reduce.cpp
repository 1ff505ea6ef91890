#include "kernels/cpu/reduce.h"

#include <algorithm>
#include <limits>

#include "fovea/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/reduce.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Calls body(f, start) with f(tag, best, next) and the value to start from. NaN stays NaN.
template <class Body>
HWY_INLINE void WithReduction(Reduction reduction, const Body& body) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  switch (reduction) {
    case Reduction::sum:
      return body([](auto, auto sum, auto v) { return hn::Add(sum, v); }, 0.0F);
    case Reduction::maximum:
      return body(
          [](auto, auto best, auto v) { return hn::IfThenElse(hn::Or(hn::Gt(v, best), hn::IsNaN(v)), v, best); },
          -infinity);
    case Reduction::minimum:
      return body(
          [](auto, auto best, auto v) { return hn::IfThenElse(hn::Or(hn::Lt(v, best), hn::IsNaN(v)), v, best); },
          infinity);
  }
}

// Elements [begin, end) of a row of y from the same elements of `count` rows of x.
void ReduceRows(Reduction reduction, const int64_t* offsets, int64_t count, int64_t begin, int64_t end, float scale,
                const float* x, float* y) {
  constexpr int64_t block = 64;  // rows added at a time, so that sums stay accurate
  WithReduction(reduction, [&](const auto& f, float start) {
    for_each_channel(end - begin, [&](auto d, int64_t c) {
      auto all = hn::Set(d, start);
      for (int64_t first = 0; first < count; first += block) {
        auto some = hn::Set(d, start);
        for (int64_t i = first; i < HWY_MIN(count, first + block); ++i) {
          some = f(d, some, hn::LoadU(d, x + offsets[i] + begin + c));
        }
        all = f(d, all, some);
      }
      hn::StoreU(hn::Mul(all, hn::Set(d, scale)), d, y + begin + c);
    });
  });
}

// One number from `length` elements.
template <class F>
HWY_INLINE float FoldRow(const F& f, float start, int64_t length, const float* x) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  HWY_ALIGN float parts[HWY_LANES(float)];
  auto all = hn::Set(d, start);
  int64_t i = 0;
  for (; i + lanes <= length; i += lanes) all = f(d, all, hn::LoadU(d, x + i));
  hn::Store(all, d, parts);
  auto last = hn::Set(one, start);
  for (int64_t k = 0; k < lanes; ++k) last = f(one, last, hn::LoadU(one, parts + k));
  for (; i < length; ++i) last = f(one, last, hn::LoadU(one, x + i));
  return hn::GetLane(last);
}

// One element of y from `count` rows of x.
void ReduceToOne(Reduction reduction, const int64_t* offsets, int64_t count, int64_t length, float scale,
                 const float* x, float* y) {
  constexpr int64_t block = 1024;  // elements
  WithReduction(reduction, [&](const auto& f, float start) {
    const hn::CappedTag<float, 1> one;
    double sum = 0;
    auto best = hn::Set(one, start);
    for (int64_t i = 0; i < count; ++i) {
      for (int64_t first = 0; first < length; first += block) {
        const float part = FoldRow(f, start, HWY_MIN(block, length - first), x + offsets[i] + first);
        sum += static_cast<double>(part);
        best = f(one, best, hn::Set(one, part));
      }
    }
    *y = scale * (reduction == Reduction::sum ? static_cast<float>(sum) : hn::GetLane(best));
  });
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::cpu {

HWY_EXPORT(ReduceRows);
HWY_EXPORT(ReduceToOne);

Reduce::Reduce(const Shape& x, const Shape& kept) : kept_{0}, reduced_{0} {
  const Broadcast axes = make_broadcast(kept, x);  // a repeats where x is reduced
  const auto is_reduced = [](const BroadcastAxis& axis) { return axis.a == 0; };
  length_ = axes.inner().extent;
  inner_is_reduced_ = is_reduced(axes.inner());
  for (int i = 0; i < axes.rank - 1; ++i) {
    std::vector<int64_t>& offsets = is_reduced(axes[i]) ? reduced_ : kept_;
    std::vector<int64_t> longer;
    longer.reserve(offsets.size() * static_cast<size_t>(axes[i].extent));
    for (const int64_t offset : offsets) {
      for (int64_t k = 0; k < axes[i].extent; ++k) longer.push_back(offset + k * axes[i].b);
    }
    offsets = std::move(longer);
  }
}

void Reduce::run(Reduction reduction, float scale, const float* x, float* y) const {
  constexpr int64_t grain = 16384;  // elements of x per chunk
  constexpr int64_t piece = 64;     // elements of a row
  const auto count = static_cast<int64_t>(reduced_.size());
  if (inner_is_reduced_) {
    auto* const kernel = HWY_DYNAMIC_DISPATCH(ReduceToOne);
    return parallel_for(static_cast<int64_t>(kept_.size()), std::max<int64_t>(1, grain / (count * length_)),
                        [&](int64_t begin, int64_t end) {
                          for (int64_t i = begin; i < end; ++i) {
                            kernel(reduction, reduced_.data(), count, length_, scale, x + kept_[static_cast<size_t>(i)],
                                   y + i);
                          }
                        });
  }
  auto* const kernel = HWY_DYNAMIC_DISPATCH(ReduceRows);
  const int64_t pieces = (length_ + piece - 1) / piece;
  parallel_for(static_cast<int64_t>(kept_.size()) * pieces, std::max<int64_t>(1, grain / (count * piece)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t i = begin; i < end; ++i) {
                   const int64_t row = i / pieces;
                   const int64_t first = i % pieces * piece;
                   kernel(reduction, reduced_.data(), count, first, std::min(length_, first + piece), scale,
                          x + kept_[static_cast<size_t>(row)], y + row * length_);
                 }
               });
}

}  // namespace fovea::cpu
#endif
