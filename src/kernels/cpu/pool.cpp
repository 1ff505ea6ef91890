#include "kernels/cpu/pool.h"

#include <limits>
#include <type_traits>

#include "fovea/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/pool.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/pool-inl.h"

#ifndef FOVEA_KERNELS_CPU_POOL_ONCE
#define FOVEA_KERNELS_CPU_POOL_ONCE
namespace fovea::cpu {

// Windows of channels [first, last) in output row `row`, counted through all pictures.
struct PoolTask {
  int64_t row, first, last;
};

inline bool fits_byte(const PoolShape& s) { return s.kernel_height * s.kernel_width <= 256; }

}  // namespace fovea::cpu
#endif

// Shapes are taken by value: a vector store may alias any memory, which would make the compiler read them again.
HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Notes nothing.
struct NoPlaces {
  template <class D, class W>
  HWY_INLINE void Put(D /*d*/, W /*where*/, int64_t /*i*/) const {}
};

template <class Place>
struct Places {
  Place* places;
  template <class D, class W>
  HWY_INLINE void Put(D /*d*/, W where, int64_t i) const {
    const hn::Rebind<Place, D> narrow;
    if constexpr (sizeof(Place) == sizeof(float)) {
      hn::StoreU(where, narrow, places + i);
    } else {
      hn::StoreU(hn::DemoteTo(narrow, where), narrow, places + i);
    }
  }
};

// The first maximum of a window goes to y, its number in the window to `places`; a NaN beats any number.
template <class P>
HWY_INLINE void MaxPoolTask(PoolShape s, const PoolTask& task, const float* x, float* y, const P& places) {
  ForEachWindow(s, task.row, x, [&](const PoolWindow& window, const float* from, int64_t to) HWY_ATTR {
    WithExtents(window, [&](auto rows, auto columns) HWY_ATTR {
      for_each_halving<HWY_LANES(float)>(task.first, task.last, [&](auto d, int64_t c) HWY_ATTR {
        const hn::RebindToSigned<decltype(d)> di;
        auto best = hn::LoadU(d, from + c);
        auto where = hn::Zero(di);
        auto sum = hn::Zero(d);  // NaN if any pixel is, or perhaps by infinities
        const auto visit = [&](const auto& replaces) HWY_ATTR {
          for (int64_t h = 0; h < rows; ++h) {
            for (int64_t w = 0; w < columns; ++w) {
              const auto next = hn::LoadU(d, from + (h * s.width + w) * s.channels + c);
              const auto larger = replaces(next, best);
              best = hn::IfThenElse(larger, next, best);
              sum = hn::Add(sum, next);
              if constexpr (!std::is_same_v<P, NoPlaces>) {
                const auto number = hn::Set(di, static_cast<int32_t>(h * columns + w));
                where = hn::IfThenElse(hn::RebindMask(di, larger), number, where);
              }
            }
          }
        };
        visit([](auto next, auto best_yet) HWY_ATTR { return hn::Gt(next, best_yet); });
        if (HWY_UNLIKELY(!hn::AllFalse(d, hn::IsNaN(sum)))) {
          best = hn::LoadU(d, from + c);
          where = hn::Zero(di);
          visit([](auto next, auto best_yet) HWY_ATTR { return hn::Or(hn::Gt(next, best_yet), hn::IsNaN(next)); });
        }
        hn::StoreU(best, d, y + to + c);
        places.Put(d, where, to + c);
      });
    });
  });
}

void MaxPoolForward(const PoolShape& s, const PoolTask& task, const float* x, float* y, float* saved) {
  if (!saved) {
    MaxPoolTask(s, task, x, y, NoPlaces());
  } else if (fits_byte(s)) {
    MaxPoolTask(s, task, x, y, Places<uint8_t>{reinterpret_cast<uint8_t*>(saved)});
  } else {
    MaxPoolTask(s, task, x, y, Places<int32_t>{reinterpret_cast<int32_t*>(saved)});
  }
}

void AvgPoolForward(const PoolShape& shape, const PoolTask& task, const float* x, float* y) {
  const PoolShape s = shape;
  ForEachWindow(s, task.row, x, [&](const PoolWindow& window, const float* from, int64_t to) HWY_ATTR {
    const float scale = 1.0F / static_cast<float>(window.divisor);
    WithExtents(window, [&](auto rows, auto columns) HWY_ATTR {
      for_each_access<4>(task.first, task.last, [&](auto vectors, auto access, int64_t c) HWY_ATTR {
        using V = typename decltype(access)::V;
        constexpr int count = vectors;
        const auto lanes = static_cast<int64_t>(hn::Lanes(access.d));
        V sum[count];
        FOVEA_UNROLL for (int v = 0; v < count; ++v) sum[v] = hn::Zero(access.d);
        for (int64_t h = 0; h < rows; ++h) {
          V row_sum[count];  // summed by rows, the error of a large window grows with its side, not its area
          FOVEA_UNROLL for (int v = 0; v < count; ++v) row_sum[v] = hn::Zero(access.d);
          const float* pixel = from + h * s.width * s.channels + c;
          for (int64_t w = 0; w < columns; ++w, pixel += s.channels) {
            FOVEA_UNROLL for (int v = 0; v < count; ++v) {
              row_sum[v] = hn::Add(row_sum[v], access.Load(pixel + v * lanes));
            }
          }
          FOVEA_UNROLL for (int v = 0; v < count; ++v) sum[v] = hn::Add(sum[v], row_sum[v]);
        }
        FOVEA_UNROLL for (int v = 0; v < count; ++v) {
          access.Store(hn::Mul(sum[v], hn::Set(access.d, scale)), y + to + c + v * lanes);
        }
      });
    });
  });
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::cpu {

HWY_EXPORT(MaxPoolForward);
HWY_EXPORT(AvgPoolForward);

namespace {

// Tasks are output rows, of few also blocks of channels.
template <class F>
void for_each_task(const PoolShape& s, const F& f) {
  constexpr int64_t few = 16;
  constexpr int64_t reads_per_chunk = 16384;
  const int64_t rows = s.batch * s.out_height;
  const int64_t width = rows < few ? 64 : s.channels;
  const int64_t blocks = (s.channels + width - 1) / width;
  const int64_t reads = s.out_width * s.kernel_height * s.kernel_width * std::min(width, s.channels);
  parallel_for(rows * blocks, std::max<int64_t>(1, reads_per_chunk / reads), [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      const int64_t first = k % blocks * width;
      f(PoolTask{k / blocks, first, std::min(first + width, s.channels)});
    }
  });
}

}  // namespace

PoolPasses::PoolPasses(const PoolShape& s) : planes(s) {
  planes.batch = s.batch * s.depth;
  planes.depth = planes.out_depth = planes.kernel_depth = planes.stride_depth = 1;
  planes.front = planes.back = 0;
  across = {.batch = s.batch,
            .height = s.depth,
            .channels = s.out_height * s.out_width * s.channels,
            .out_height = s.out_depth,
            .kernel_height = s.kernel_depth,
            .stride_height = s.stride_depth,
            .top = s.front,
            .bottom = s.back,
            .count_include_pad = s.count_include_pad,
            .adaptive = s.adaptive};
}

size_t max_pool_saved_size(const PoolShape& s) {
  const auto outputs = static_cast<size_t>(s.batch * s.out_height * s.out_width * s.channels);
  return fits_byte(s) ? (outputs + sizeof(float) - 1) / sizeof(float) : outputs;
}

void max_pool_forward(const PoolShape& s, const float* x, float* y, float* saved) {
  auto* const kernel = HWY_DYNAMIC_DISPATCH(MaxPoolForward);
  for_each_task(s, [&](const PoolTask& task) { kernel(s, task, x, y, saved); });
}

void avg_pool_forward(const PoolShape& s, const float* x, float* y) {
  auto* const kernel = HWY_DYNAMIC_DISPATCH(AvgPoolForward);
  for_each_task(s, [&](const PoolTask& task) { kernel(s, task, x, y); });
}

}  // namespace fovea::cpu
#endif
