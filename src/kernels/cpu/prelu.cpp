#include "kernels/cpu/prelu.h"

#include <algorithm>

#include "fovea/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/prelu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/vectors-inl.h"

// The functions below work on rows [begin, end).
HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class D>
HWY_INLINE hn::Vec<D> LoadSlope(D d, const float* slope, bool shared, int64_t c) {
  return shared ? hn::Set(d, *slope) : hn::LoadU(d, slope + c);
}

// to = from, times the slope where x is not above 0.
void PreluRows(int64_t begin, int64_t end, int64_t channels, bool shared, const float* x, const float* slope,
               const float* from, float* to) {
  for (int64_t row = begin; row < end; ++row) {
    for_each_channel(channels, [&](auto d, int64_t c) {
      const int64_t i = row * channels + c;
      const auto v = hn::LoadU(d, from + i);
      const auto positive = hn::Gt(hn::LoadU(d, x + i), hn::Zero(d));
      hn::StoreU(hn::IfThenElse(positive, v, hn::Mul(v, LoadSlope(d, slope, shared, c))), d, to + i);
    });
  }
}

// sums[c] = sum over the rows of x dy where x is not above 0.
void PreluSlopeSums(int64_t begin, int64_t end, int64_t channels, const float* x, const float* dy, float* sums) {
  for_each_channel(channels, [&](auto d, int64_t c) {
    auto sum = hn::Zero(d);
    for (int64_t row = begin; row < end; ++row) {
      const auto v = hn::LoadU(d, x + row * channels + c);
      const auto negative = hn::IfThenZeroElse(hn::Gt(v, hn::Zero(d)), v);
      sum = hn::MulAdd(negative, hn::LoadU(d, dy + row * channels + c), sum);
    }
    hn::StoreU(sum, d, sums + c);
  });
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::cpu {

HWY_EXPORT(PreluRows);
HWY_EXPORT(PreluSlopeSums);

namespace {
// Few enough rows for float sums and for the cache.
int64_t block_rows(int64_t channels) { return std::clamp<int64_t>(16384 / channels, 16, 256); }
int64_t block_count(int64_t rows, int64_t channels) { return (rows + block_rows(channels) - 1) / block_rows(channels); }

void prelu_rows(int64_t rows, int64_t channels, bool shared, const float* x, const float* slope, const float* from,
                float* to) {
  auto* const kernel = HWY_DYNAMIC_DISPATCH(PreluRows);
  parallel_for(rows, block_rows(channels),
               [&](int64_t begin, int64_t end) { kernel(begin, end, channels, shared, x, slope, from, to); });
}
}  // namespace

void prelu_forward(int64_t rows, int64_t channels, bool shared, const float* x, const float* slope, float* y) {
  prelu_rows(rows, channels, shared, x, slope, x, y);
}

size_t prelu_scratch(int64_t rows, int64_t channels) {
  return static_cast<size_t>(channels * block_count(rows, channels));
}

void prelu_backward(int64_t rows, int64_t channels, bool shared, const float* x, const float* slope, const float* dy,
                    float* dx, float* dslope, float* scratch) {
  if (dx) prelu_rows(rows, channels, shared, x, slope, dy, dx);
  if (!dslope) return;
  auto* const sums = HWY_DYNAMIC_DISPATCH(PreluSlopeSums);
  const int64_t size = block_rows(channels);
  const int64_t blocks = block_count(rows, channels);
  parallel_for(blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      sums(block * size, std::min(rows, (block + 1) * size), channels, x, dy, scratch + block * channels);
    }
  });
  double all = 0;
  for (int64_t c = 0; c < channels; ++c) {
    double sum = 0;
    for (int64_t block = 0; block < blocks; ++block) sum += scratch[block * channels + c];
    if (!shared) dslope[c] = static_cast<float>(sum);
    all += sum;
  }
  if (shared) *dslope = static_cast<float>(all);
}

}  // namespace fovea::cpu
#endif
