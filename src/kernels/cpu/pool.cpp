#include "kernels/cpu/pool.h"

#include <limits>
#include <type_traits>

#include "fovea/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/pool.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/vectors-inl.h"

// Forward goes through output rows. Backward goes through bands, a picture's block of channels each, so that
// overlapping windows add up in one thread and in one order.
#ifndef FOVEA_KERNELS_CPU_POOL_ONCE
#define FOVEA_KERNELS_CPU_POOL_ONCE
namespace fovea::cpu {
// Enough pictures keep all threads busy whole; a few are split.
inline int64_t channels_per_band(const PoolShape& s) {
  return s.batch >= 8 ? s.channels : std::min<int64_t>(s.channels, 64);
}
inline int64_t bands_per_picture(const PoolShape& s) {
  return (s.channels + channels_per_band(s) - 1) / channels_per_band(s);
}
}  // namespace fovea::cpu
#endif

// Shapes are taken by value: a vector store may alias any memory, which would make the compiler read them again.
HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// True where `next` becomes the maximum after `best`: where it is larger, or NaN, which then stays.
template <class V>
HWY_INLINE auto Replaces(V next, V best) {
  return hn::Or(hn::Gt(next, best), hn::IsNaN(next));
}

// Calls f(rows, columns) with the window's extents, constants for the commonest windows.
template <class F>
HWY_INLINE void WithExtents(const PoolWindow& window, const F& f) {
  const int64_t rows = window.bottom - window.top;
  const int64_t columns = window.right - window.left;
  if (rows == 2 && columns == 2) {
    f(std::integral_constant<int64_t, 2>{}, std::integral_constant<int64_t, 2>{});
  } else if (rows == 3 && columns == 3) {
    f(std::integral_constant<int64_t, 3>{}, std::integral_constant<int64_t, 3>{});
  } else {
    f(rows, columns);
  }
}

// Calls f(window, x at its first pixel, y) for the windows of output rows [begin, end) of all pictures.
template <class F>
HWY_INLINE void ForEachWindow(PoolShape s, int64_t begin, int64_t end, const float* x, float* y, const F& f) {
  for (int64_t row = begin; row < end; ++row) {
    const float* const picture = x + row / s.out_height * s.height * s.width * s.channels;
    for (int64_t j = 0; j < s.out_width; ++j) {
      const PoolWindow window = pool_window(s, row % s.out_height, j);
      f(window, picture + (window.top * s.width + window.left) * s.channels, y + (row * s.out_width + j) * s.channels);
    }
  }
}

void MaxPoolForward(PoolShape s, int64_t begin, int64_t end, const float* x, float* y) {
  ForEachWindow(s, begin, end, x, y, [&](const PoolWindow& window, const float* from, float* to) {
    WithExtents(window, [&](auto rows, auto columns) {
      for_each_channel(s.channels, [&](auto d, int64_t c) {
        auto best = hn::Set(d, -std::numeric_limits<float>::infinity());
        for (int64_t h = 0; h < rows; ++h) {
          for (int64_t w = 0; w < columns; ++w) {
            const auto next = hn::LoadU(d, from + (h * s.width + w) * s.channels + c);
            best = hn::IfThenElse(Replaces(next, best), next, best);
          }
        }
        hn::StoreU(best, d, to + c);
      });
    });
  });
}

void AvgPoolForward(PoolShape s, int64_t begin, int64_t end, const float* x, float* y) {
  ForEachWindow(s, begin, end, x, y, [&](const PoolWindow& window, const float* from, float* to) {
    const float scale = 1.0F / static_cast<float>(window.divisor);
    WithExtents(window, [&](auto rows, auto columns) {
      for_each_channel(s.channels, [&](auto d, int64_t c) {
        auto sum = hn::Zero(d);
        for (int64_t h = 0; h < rows; ++h) {
          auto row_sum = hn::Zero(d);  // summed by rows, the error of a large window grows with its side, not its area
          for (int64_t w = 0; w < columns; ++w) {
            row_sum = hn::Add(row_sum, hn::LoadU(d, from + (h * s.width + w) * s.channels + c));
          }
          sum = hn::Add(sum, row_sum);
        }
        hn::StoreU(hn::Mul(sum, hn::Set(d, scale)), d, to + c);
      });
    });
  });
}

// The gradient of one band. Rows are zeroed just before the first window that reaches them, while they are cached.
class BandGradient {
 public:
  HWY_INLINE BandGradient(const PoolShape& s, int64_t band, float* dx)
      : s_(s),
        first_(band % bands_per_picture(s) * channels_per_band(s)),
        last_(HWY_MIN(first_ + channels_per_band(s), s.channels)),
        picture_(band / bands_per_picture(s)),
        dx_(dx + picture_ * s.height * s.width * s.channels) {}

  // Calls f(window, offset of its first pixel in the picture, offset of its output in y).
  template <class F>
  HWY_INLINE void ForEachWindow(const F& f) {
    const bool covered = s_.kernel_height == s_.stride_height && s_.kernel_width == s_.stride_width &&
                         s_.out_height * s_.stride_height >= s_.height + s_.top &&
                         s_.out_width * s_.stride_width >= s_.width + s_.left;
    if (covered) zeroed_ = s_.height;  // every pixel will be written
    for (int64_t i = 0; i < s_.out_height; ++i) {
      for (int64_t j = 0; j < s_.out_width; ++j) {
        const PoolWindow window = pool_window(s_, i, j);
        ZeroUpTo(window.bottom);
        f(window, (window.top * s_.width + window.left) * s_.channels,
          ((picture_ * s_.out_height + i) * s_.out_width + j) * s_.channels);
      }
    }
    ZeroUpTo(s_.height);
  }

  int64_t first() const { return first_; }  // channels [first, last)
  int64_t last() const { return last_; }
  int64_t picture_offset() const { return picture_ * s_.height * s_.width * s_.channels; }
  float* dx() const { return dx_; }

 private:
  HWY_INLINE void ZeroUpTo(int64_t row) {
    for (; zeroed_ < row; ++zeroed_) {
      float* const pixels = dx_ + zeroed_ * s_.width * s_.channels;
      if (last_ - first_ == s_.channels) {
        std::fill(pixels, pixels + s_.width * s_.channels, 0.0F);
        continue;
      }
      for (int64_t w = 0; w < s_.width; ++w) {
        std::fill(pixels + w * s_.channels + first_, pixels + w * s_.channels + last_, 0.0F);
      }
    }
  }

  const PoolShape s_;
  int64_t first_, last_, picture_;
  float* dx_;
  int64_t zeroed_ = 0;
};

// A pixel that no other window sees is written, others are added to.
template <bool disjoint, class D, class V>
HWY_INLINE void Put(D d, V gradient, float* to) {
  hn::StoreU(disjoint ? gradient : hn::Add(gradient, hn::LoadU(d, to)), d, to);
}

template <bool disjoint>
HWY_INLINE void MaxPoolBackwardBand(PoolShape s, int64_t index, const float* x, const float* dy, float* dx) {
  BandGradient band(s, index, dx);
  const float* const picture = x + band.picture_offset();
  band.ForEachWindow([&](const PoolWindow& window, int64_t from, int64_t to) {
    WithExtents(window, [&](auto rows, auto columns) {
      for_each_halving<HWY_LANES(float)>(band.first(), band.last(), [&](auto d, int64_t c) {
        const hn::RebindToSigned<decltype(d)> di;
        auto best = hn::LoadU(d, picture + from + c);
        auto where = hn::Zero(di);
        for (int64_t h = 0; h < rows; ++h) {
          for (int64_t w = 0; w < columns; ++w) {
            const auto next = hn::LoadU(d, picture + from + (h * s.width + w) * s.channels + c);
            const auto replaces = Replaces(next, best);
            best = hn::IfThenElse(replaces, next, best);
            where =
                hn::IfThenElse(hn::RebindMask(di, replaces), hn::Set(di, static_cast<int32_t>(h * columns + w)), where);
          }
        }
        const auto gradient = hn::LoadU(d, dy + to + c);
        for (int64_t h = 0; h < rows; ++h) {
          for (int64_t w = 0; w < columns; ++w) {
            const auto here = hn::Eq(where, hn::Set(di, static_cast<int32_t>(h * columns + w)));
            Put<disjoint>(d, hn::IfThenElseZero(hn::RebindMask(d, here), gradient),
                          band.dx() + from + (h * s.width + w) * s.channels + c);
          }
        }
      });
    });
  });
}

template <bool disjoint>
HWY_INLINE void AvgPoolBackwardBand(PoolShape s, int64_t index, const float* dy, float* dx) {
  BandGradient band(s, index, dx);
  band.ForEachWindow([&](const PoolWindow& window, int64_t from, int64_t to) {
    const float scale = 1.0F / static_cast<float>(window.divisor);
    WithExtents(window, [&](auto rows, auto columns) {
      for_each_halving<HWY_LANES(float)>(band.first(), band.last(), [&](auto d, int64_t c) {
        const auto share = hn::Mul(hn::LoadU(d, dy + to + c), hn::Set(d, scale));
        for (int64_t h = 0; h < rows; ++h) {
          for (int64_t w = 0; w < columns; ++w) {
            Put<disjoint>(d, share, band.dx() + from + (h * s.width + w) * s.channels + c);
          }
        }
      });
    });
  });
}

HWY_INLINE bool Disjoint(const PoolShape& s) {
  return s.kernel_height <= s.stride_height && s.kernel_width <= s.stride_width;
}

void MaxPoolBackward(const PoolShape& s, int64_t band, const float* x, const float* dy, float* dx) {
  Disjoint(s) ? MaxPoolBackwardBand<true>(s, band, x, dy, dx) : MaxPoolBackwardBand<false>(s, band, x, dy, dx);
}

void AvgPoolBackward(const PoolShape& s, int64_t band, const float* dy, float* dx) {
  Disjoint(s) ? AvgPoolBackwardBand<true>(s, band, dy, dx) : AvgPoolBackwardBand<false>(s, band, dy, dx);
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::cpu {

HWY_EXPORT(MaxPoolForward);
HWY_EXPORT(AvgPoolForward);
HWY_EXPORT(MaxPoolBackward);
HWY_EXPORT(AvgPoolBackward);

namespace {

// Calls f(begin, end) over output rows, about 16384 elements read at a time.
template <class F>
void over_rows(const PoolShape& s, const F& f) {
  const int64_t reads = s.out_width * s.kernel_height * s.kernel_width * s.channels;
  parallel_for(s.batch * s.out_height, std::max<int64_t>(1, 16384 / reads), f);
}

template <class F>
void over_bands(const PoolShape& s, const F& f) {
  const int64_t elements = s.height * s.width * channels_per_band(s);
  parallel_for(s.batch * bands_per_picture(s), std::max<int64_t>(1, 16384 / elements), [&](int64_t begin, int64_t end) {
    for (int64_t band = begin; band < end; ++band) f(band);
  });
}

}  // namespace

void max_pool_forward(const PoolShape& s, const float* x, float* y) {
  auto* const kernel = HWY_DYNAMIC_DISPATCH(MaxPoolForward);
  over_rows(s, [&](int64_t begin, int64_t end) { kernel(s, begin, end, x, y); });
}

void avg_pool_forward(const PoolShape& s, const float* x, float* y) {
  auto* const kernel = HWY_DYNAMIC_DISPATCH(AvgPoolForward);
  over_rows(s, [&](int64_t begin, int64_t end) { kernel(s, begin, end, x, y); });
}

void max_pool_backward(const PoolShape& s, const float* x, const float* dy, float* dx) {
  auto* const kernel = HWY_DYNAMIC_DISPATCH(MaxPoolBackward);
  over_bands(s, [&](int64_t band) { kernel(s, band, x, dy, dx); });
}

void avg_pool_backward(const PoolShape& s, const float* dy, float* dx) {
  auto* const kernel = HWY_DYNAMIC_DISPATCH(AvgPoolBackward);
  over_bands(s, [&](int64_t band) { kernel(s, band, dy, dx); });
}

}  // namespace fovea::cpu
#endif
