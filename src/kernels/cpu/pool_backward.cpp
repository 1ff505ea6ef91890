// The gradients of pooling. Windows that share no pixel hand theirs out; else pixels gather theirs from all windows
// that hold them.
#include <utility>
#include <vector>

#include "fovea/parallel.h"
#include "kernels/cpu/pool.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/pool_backward.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/pool-inl.h"

#ifndef FOVEA_KERNELS_CPU_POOL_BACKWARD_ONCE
#define FOVEA_KERNELS_CPU_POOL_BACKWARD_ONCE
namespace fovea::cpu {

// One window that holds the pixel.
struct PoolDebt {
  int64_t output;  // offset of its first channel in y
  int32_t number;  // of the pixel in the window
  float scale;     // of an average: 1 / divisor
};

// Windows [first, last) of an axis.
struct WindowRange {
  int64_t first, last;
};

// How max_pool_forward noted where its maxima were.
struct PoolPlaces {
  const uint8_t* bytes;
  const int32_t* words;  // one of the two is null
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

// True in the lanes whose maximum is pixel `number` of the window; places[i] is of the first lane.
template <class D, class Place>
HWY_INLINE auto IsPlace(D d, const Place* places, int64_t i, int32_t number) {
  const hn::RebindToSigned<D> di;
  const hn::Rebind<Place, D> narrow;
  const auto stored = hn::LoadU(narrow, places + i);
  if constexpr (sizeof(Place) == sizeof(float)) {
    return hn::RebindMask(d, hn::Eq(stored, hn::Set(di, number)));
  } else {
    return hn::RebindMask(d, hn::Eq(hn::PromoteTo(di, stored), hn::Set(di, number)));
  }
}

void MaxPoolDebts(int64_t channels, int64_t count, const PoolDebt* debts, const PoolPlaces& places, const float* dy,
                  float* dx) {
  const auto settle = [&](const auto* where) HWY_ATTR {
    SettleDebts(channels, count, debts, dx, [=](auto d, const PoolDebt& debt, int64_t c) HWY_ATTR {
      return hn::IfThenElseZero(IsPlace(d, where, debt.output + c, debt.number), hn::LoadU(d, dy + debt.output + c));
    });
  };
  places.bytes ? settle(places.bytes) : settle(places.words);
}

void AvgPoolDebts(int64_t channels, int64_t count, const PoolDebt* debts, const float* dy, float* dx) {
  SettleDebts(channels, count, debts, dx, [=](auto d, const PoolDebt& debt, int64_t c) HWY_ATTR {
    return hn::Mul(hn::LoadU(d, dy + debt.output + c), hn::Set(d, debt.scale));
  });
}

// Writes the pixels of the windows of output row `row`, and zeros between and after them up to the next row's.
// share(tag, window, gradient, offset of the gradient, number of the pixel).
template <class Share>
HWY_INLINE void HandOut(PoolShape s, int64_t row, const float* dy, float* dx, const Share& share) {
  const int64_t i = row % s.out_height;
  const bool touching = s.kernel_height == s.stride_height && s.kernel_width == s.stride_width &&
                        s.out_height * s.stride_height >= s.height + s.top &&
                        s.out_width * s.stride_width >= s.width + s.left;
  if (!touching) {
    const int64_t first = i == 0 ? 0 : pool_window(s, i, 0).top;
    const int64_t last = i + 1 == s.out_height ? s.height : pool_window(s, i + 1, 0).top;
    float* const picture = dx + row / s.out_height * s.height * s.width * s.channels;
    std::fill(picture + first * s.width * s.channels, picture + last * s.width * s.channels, 0.0F);
  }
  ForEachWindow(s, row, dx, [&](const PoolWindow& window, float* to, int64_t from) HWY_ATTR {
    WithExtents(window, [&](auto rows, auto columns) HWY_ATTR {
      for_each_channel(s.channels, [&](auto d, int64_t c) HWY_ATTR {
        const auto gradient = hn::LoadU(d, dy + from + c);
        for (int64_t h = 0; h < rows; ++h) {
          for (int64_t w = 0; w < columns; ++w) {
            const auto number = static_cast<int32_t>(h * columns + w);
            hn::StoreU(share(d, window, gradient, from + c, number), d, to + (h * s.width + w) * s.channels + c);
          }
        }
      });
    });
  });
}

void MaxPoolHandOut(const PoolShape& s, int64_t row, const PoolPlaces& places, const float* dy, float* dx) {
  const auto hand_out = [&](const auto* where) HWY_ATTR {
    HandOut(s, row, dy, dx, [=](auto d, const PoolWindow&, auto gradient, int64_t i, int32_t number) HWY_ATTR {
      return hn::IfThenElseZero(IsPlace(d, where, i, number), gradient);
    });
  };
  places.bytes ? hand_out(places.bytes) : hand_out(places.words);
}

void AvgPoolHandOut(const PoolShape& s, int64_t row, const float* dy, float* dx) {
  HandOut(s, row, dy, dx, [](auto d, const PoolWindow& window, auto gradient, int64_t, int32_t) HWY_ATTR {
    return hn::Mul(gradient, hn::Set(d, 1.0F / static_cast<float>(window.divisor)));
  });
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::cpu {

HWY_EXPORT(MaxPoolDebts);
HWY_EXPORT(AvgPoolDebts);
HWY_EXPORT(MaxPoolHandOut);
HWY_EXPORT(AvgPoolHandOut);

namespace {

// The windows of one axis, and for every pixel those that hold it: their ends ascend.
struct PoolAxis {
  std::vector<std::pair<int64_t, int64_t>> windows;  // first pixel and the one after the last
  std::vector<WindowRange> over;

  PoolAxis(std::vector<std::pair<int64_t, int64_t>> ends, int64_t extent) : windows(std::move(ends)) {
    const auto count = static_cast<int64_t>(windows.size());
    WindowRange range{0, 0};
    for (int64_t pixel = 0; pixel < extent; ++pixel) {
      while (range.first < count && windows[range.first].second <= pixel) ++range.first;
      while (range.last < count && windows[range.last].first <= pixel) ++range.last;
      over.push_back(range);
    }
  }
};

PoolAxis pool_rows(const PoolShape& s) {
  std::vector<std::pair<int64_t, int64_t>> windows;
  for (int64_t i = 0; i < s.out_height; ++i) {
    const PoolWindow w = pool_window(s, i, 0);
    windows.emplace_back(w.top, w.bottom);
  }
  return {std::move(windows), s.height};
}

PoolAxis pool_columns(const PoolShape& s) {
  std::vector<std::pair<int64_t, int64_t>> windows;
  for (int64_t j = 0; j < s.out_width; ++j) {
    const PoolWindow w = pool_window(s, 0, j);
    windows.emplace_back(w.left, w.right);
  }
  return {std::move(windows), s.width};
}

// Calls settle(number of debts, debts, offset of the pixel) for every pixel; scale(i, j) is that of a window.
template <class Scale, class Settle>
void for_each_pixel(const PoolShape& s, const Scale& scale, const Settle& settle) {
  constexpr int64_t elements_per_chunk = 16384;
  const PoolAxis rows = pool_rows(s);
  const PoolAxis columns = pool_columns(s);
  const int64_t grain = std::max<int64_t>(1, elements_per_chunk / (s.width * s.channels));
  parallel_for(s.batch * s.height, grain, [&](int64_t begin, int64_t end) {
    std::vector<PoolDebt> debts;
    for (int64_t row = begin; row < end; ++row) {
      const int64_t h = row % s.height;
      const int64_t picture = row / s.height * s.out_height * s.out_width;
      for (int64_t w = 0; w < s.width; ++w) {
        debts.clear();
        for (int64_t i = rows.over[h].first; i < rows.over[h].last; ++i) {
          for (int64_t j = columns.over[w].first; j < columns.over[w].last; ++j) {
            const auto& [left, right] = columns.windows[j];
            const int64_t number = (h - rows.windows[i].first) * (right - left) + w - left;
            debts.push_back({(picture + i * s.out_width + j) * s.channels, static_cast<int32_t>(number), scale(i, j)});
          }
        }
        settle(static_cast<int64_t>(debts.size()), debts.data(), (row * s.width + w) * s.channels);
      }
    }
  });
}

// Whether windows share no pixel; of few windows the pixels make more tasks.
bool hands_out(const PoolShape& s) {
  return !s.adaptive && s.kernel_height <= s.stride_height && s.kernel_width <= s.stride_width && s.out_height > 1;
}

// Calls hand_out(row) for every output row.
template <class F>
void for_each_output_row(const PoolShape& s, const F& hand_out) {
  constexpr int64_t elements_per_chunk = 16384;
  const int64_t elements = (s.height / s.out_height + 1) * s.width * s.channels;
  parallel_for(s.batch * s.out_height, std::max<int64_t>(1, elements_per_chunk / elements),
               [&](int64_t begin, int64_t end) {
                 for (int64_t row = begin; row < end; ++row) hand_out(row);
               });
}

}  // namespace

void max_pool_backward(const PoolShape& s, const float* saved, const float* dy, float* dx) {
  PoolPlaces places{};
  if (s.kernel_height * s.kernel_width <= 256) {
    places.bytes = reinterpret_cast<const uint8_t*>(saved);
  } else {
    places.words = reinterpret_cast<const int32_t*>(saved);
  }
  if (hands_out(s)) {
    auto* const hand_out = HWY_DYNAMIC_DISPATCH(MaxPoolHandOut);
    return for_each_output_row(s, [&](int64_t row) { hand_out(s, row, places, dy, dx); });
  }
  auto* const settle = HWY_DYNAMIC_DISPATCH(MaxPoolDebts);
  for_each_pixel(
      s, [](int64_t, int64_t) { return 1.0F; },
      [&](int64_t count, const PoolDebt* debts, int64_t pixel) {
        settle(s.channels, count, debts, places, dy, dx + pixel);
      });
}

void avg_pool_backward(const PoolShape& s, const float* dy, float* dx) {
  if (hands_out(s)) {
    auto* const hand_out = HWY_DYNAMIC_DISPATCH(AvgPoolHandOut);
    return for_each_output_row(s, [&](int64_t row) { hand_out(s, row, dy, dx); });
  }
  auto* const settle = HWY_DYNAMIC_DISPATCH(AvgPoolDebts);
  const auto scale = [&](int64_t i, int64_t j) { return 1.0F / static_cast<float>(pool_window(s, i, j).divisor); };
  for_each_pixel(s, scale, [&](int64_t count, const PoolDebt* debts, int64_t pixel) {
    settle(s.channels, count, debts, dy, dx + pixel);
  });
}

}  // namespace fovea::cpu
#endif
