// The gradients of pooling, gathered: a pixel's gradient is the sum of what the windows that hold it owe it.
#include <vector>

#include "fovea/parallel.h"
#include "kernels/cpu/pool.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/pool_backward.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/vectors-inl.h"

#ifndef FOVEA_KERNELS_CPU_POOL_BACKWARD_ONCE
#define FOVEA_KERNELS_CPU_POOL_BACKWARD_ONCE
namespace fovea::cpu {

// One window that holds the pixel.
struct PoolDebt {
  int64_t output;  // offset of its first channel in y
  int32_t number;  // of the pixel in the window
  float scale;     // 1 / divisor
};

// Windows [first, last) of an axis.
struct WindowRange {
  int64_t first, last;
};

}  // namespace fovea::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// dx[c] = sum over `count` debts of term(tag, debt, c).
template <class N, class F>
HWY_INLINE void SumDebts(int64_t channels, N count, const PoolDebt* debts, float* dx, const F& term) {
  for_each_channel(channels, [&](auto d, int64_t c) HWY_ATTR {
    auto sum = hn::Zero(d);
    for (int64_t k = 0; k < count; ++k) sum = hn::Add(sum, term(d, debts[k], c));
    hn::StoreU(sum, d, dx + c);
  });
}

template <class F>
HWY_INLINE void SettleDebts(int64_t channels, int64_t count, const PoolDebt* debts, float* dx, const F& term) {
  switch (count) {
    case 1:
      return SumDebts(channels, std::integral_constant<int64_t, 1>(), debts, dx, term);
    case 2:
      return SumDebts(channels, std::integral_constant<int64_t, 2>(), debts, dx, term);
    case 4:
      return SumDebts(channels, std::integral_constant<int64_t, 4>(), debts, dx, term);
    case 9:
      return SumDebts(channels, std::integral_constant<int64_t, 9>(), debts, dx, term);
    default:
      return SumDebts(channels, count, debts, dx, term);
  }
}

void MaxPoolDebts(int64_t channels, int64_t count, const PoolDebt* debts, const uint8_t* bytes, const int32_t* words,
                  const float* dy, float* dx) {
  const auto settle = [&](const auto* places) HWY_ATTR {
    SettleDebts(channels, count, debts, dx, [=](auto d, const PoolDebt& debt, int64_t c) HWY_ATTR {
      const hn::RebindToSigned<decltype(d)> di;
      const hn::Rebind<std::remove_cvref_t<decltype(*places)>, decltype(d)> narrow;
      const auto stored = hn::LoadU(narrow, places + debt.output + c);
      const auto gradient = hn::LoadU(d, dy + debt.output + c);
      if constexpr (sizeof(*places) == sizeof(float)) {
        return hn::IfThenElseZero(hn::RebindMask(d, hn::Eq(stored, hn::Set(di, debt.number))), gradient);
      } else {
        const auto number = hn::PromoteTo(di, stored);
        return hn::IfThenElseZero(hn::RebindMask(d, hn::Eq(number, hn::Set(di, debt.number))), gradient);
      }
    });
  };
  bytes ? settle(bytes) : settle(words);
}

void AvgPoolDebts(int64_t channels, int64_t count, const PoolDebt* debts, const float* dy, float* dx) {
  SettleDebts(channels, count, debts, dx, [=](auto d, const PoolDebt& debt, int64_t c) HWY_ATTR {
    return hn::Mul(hn::LoadU(d, dy + debt.output + c), hn::Set(d, debt.scale));
  });
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::cpu {

HWY_EXPORT(MaxPoolDebts);
HWY_EXPORT(AvgPoolDebts);

namespace {

// For every pixel of an axis the windows that hold it: their ends ascend. bounds(window) is {first pixel, last + 1}.
template <class F>
std::vector<WindowRange> windows_over(int64_t extent, int64_t windows, const F& bounds) {
  std::vector<WindowRange> ranges;
  WindowRange range{0, 0};
  for (int64_t pixel = 0; pixel < extent; ++pixel) {
    while (range.first < windows && bounds(range.first).second <= pixel) ++range.first;
    while (range.last < windows && bounds(range.last).first <= pixel) ++range.last;
    ranges.push_back(range);
  }
  return ranges;
}

// Calls settle(number of debts, debts, offset of the pixel) for every pixel.
template <class F>
void for_each_pixel(const PoolShape& s, const F& settle) {
  constexpr int64_t elements_per_chunk = 16384;
  const auto rows = windows_over(s.height, s.out_height, [&](int64_t i) {
    const PoolWindow w = pool_window(s, i, 0);
    return std::pair(w.top, w.bottom);
  });
  const auto columns = windows_over(s.width, s.out_width, [&](int64_t j) {
    const PoolWindow w = pool_window(s, 0, j);
    return std::pair(w.left, w.right);
  });
  const int64_t grain = std::max<int64_t>(1, elements_per_chunk / (s.width * s.channels));
  parallel_for(s.batch * s.height, grain, [&](int64_t begin, int64_t end) {
    std::vector<PoolDebt> debts;
    for (int64_t row = begin; row < end; ++row) {
      const int64_t h = row % s.height;
      for (int64_t w = 0; w < s.width; ++w) {
        debts.clear();
        for (int64_t i = rows[h].first; i < rows[h].last; ++i) {
          for (int64_t j = columns[w].first; j < columns[w].last; ++j) {
            const PoolWindow window = pool_window(s, i, j);
            debts.push_back({((row / s.height * s.out_height + i) * s.out_width + j) * s.channels,
                             static_cast<int32_t>((h - window.top) * (window.right - window.left) + w - window.left),
                             1.0F / static_cast<float>(window.divisor)});
          }
        }
        settle(static_cast<int64_t>(debts.size()), debts.data(), (row * s.width + w) * s.channels);
      }
    }
  });
}

}  // namespace

void max_pool_backward(const PoolShape& s, const float* saved, const float* dy, float* dx) {
  auto* const settle = HWY_DYNAMIC_DISPATCH(MaxPoolDebts);
  const bool bytes = s.kernel_height * s.kernel_width <= 256;
  const auto* const as_bytes = bytes ? reinterpret_cast<const uint8_t*>(saved) : nullptr;
  const auto* const as_words = bytes ? nullptr : reinterpret_cast<const int32_t*>(saved);
  for_each_pixel(s, [&](int64_t count, const PoolDebt* debts, int64_t pixel) {
    settle(s.channels, count, debts, as_bytes, as_words, dy, dx + pixel);
  });
}

void avg_pool_backward(const PoolShape& s, const float* dy, float* dx) {
  auto* const settle = HWY_DYNAMIC_DISPATCH(AvgPoolDebts);
  for_each_pixel(s, [&](int64_t count, const PoolDebt* debts, int64_t pixel) {
    settle(s.channels, count, debts, dy, dx + pixel);
  });
}

}  // namespace fovea::cpu
#endif
