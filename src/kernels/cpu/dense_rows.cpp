#include "kernels/cpu/dense_rows.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/dense_rows.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/activation-inl.h"
#include "kernels/cpu/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// sums[n * dense_rows_units + k] += x[n] . weight[k] over `count` channels, for `samples` n and `units` k. The next
// channels of the weights are asked for long before they are needed: memory is slower than the multiplications. Into
// the second cache: 21 GB/s on Zen 4, where fetching into the first gave 12.
template <int samples, int units>
HWY_INLINE void DotTile(const float* x, const float* weight, int64_t channels, int64_t count, float* sums) {
  const hn::ScalableTag<float> d;
  using V = hn::Vec<decltype(d)>;
  const int64_t ahead = channels < 1024 ? units * channels : 512;  // floats; of short rows, the next tile
  V sum[samples][units];
  FOVEA_UNROLL for (int n = 0; n < samples; ++n) {
    FOVEA_UNROLL for (int k = 0; k < units; ++k) sum[n][k] = hn::Zero(d);
  }
  for_each_access<1>(0, count, [&](auto, auto access, int64_t c) HWY_ATTR {
    V w[units];
    FOVEA_UNROLL for (int k = 0; k < units; ++k) {
      w[k] = access.Load(weight + k * channels + c);
      if (samples == 1) __builtin_prefetch(weight + k * channels + c + ahead, 0, 2);
    }
    FOVEA_UNROLL for (int n = 0; n < samples; ++n) {
      const V value = access.Load(x + n * channels + c);
      FOVEA_UNROLL for (int k = 0; k < units; ++k) sum[n][k] = hn::MulAdd(value, w[k], sum[n][k]);
    }
  });
  FOVEA_UNROLL for (int n = 0; n < samples; ++n) {
    FOVEA_UNROLL for (int k = 0; k < units; ++k) {
      sums[n * dense_rows_units + k] += hn::GetLane(hn::SumOfLanes(d, sum[n][k]));
    }
  }
}

template <int samples>
HWY_INLINE void DotSamples(const float* x, const float* weight, int64_t channels, int64_t count, int64_t units,
                           float* sums) {
  constexpr int together = samples == 1 ? 8 : (HWY_TARGET <= HWY_AVX3 ? 4 : 3);  // units
  int64_t k = 0;
  for (; k + together <= units; k += together) {
    DotTile<samples, together>(x, weight + k * channels, channels, count, sums + k);
  }
  for (; k < units; ++k) DotTile<samples, 1>(x, weight + k * channels, channels, count, sums + k);
}

void DenseRowsForward(int64_t batch, int64_t channels, int64_t units, int64_t first, int64_t count, const float* x,
                      const float* weight, const Epilogue& epilogue, float* y) {
  // With many samples, a block of channels of all of them and of the weights stays in the second cache.
  const int64_t block = batch <= 4 ? channels : 1024;
  float sums[dense_rows_samples * dense_rows_units];
  std::fill_n(sums, batch * dense_rows_units, 0.0F);
  for (int64_t c = 0; c < channels; c += block) {
    const int64_t wide = HWY_MIN(block, channels - c);
    const float* const rows = weight + first * channels + c;
    int64_t n = 0;
    for (; n + 4 <= batch; n += 4) {
      DotSamples<4>(x + n * channels + c, rows, channels, wide, count, sums + n * dense_rows_units);
    }
    for (; n < batch; ++n) {
      DotSamples<1>(x + n * channels + c, rows, channels, wide, count, sums + n * dense_rows_units);
    }
  }
  for (int64_t n = 0; n < batch; ++n) {
    float* const row = sums + n * dense_rows_units;
    const int64_t to = n * units + first;
    for_each_channel(count, [&](auto d, int64_t k) HWY_ATTR {
      auto sum = hn::LoadU(d, row + k);
      if (epilogue.bias) sum = hn::Add(sum, hn::LoadU(d, epilogue.bias + first + k));
      if (epilogue.residual) sum = hn::Add(sum, hn::LoadU(d, epilogue.residual + to + k));
      hn::StoreU(sum, d, row + k);
    });
    ActivateRow(epilogue.activation, epilogue.alpha, count, row, y + to);
  }
}

// sums[n * count + c] += sum over `units` k of dy[n, k] weight[k, c].
template <int units>
HWY_INLINE void AddWeightedRows(int64_t batch, int64_t channels, int64_t all_units, int64_t count, const float* dy,
                                const float* weight, float* sums) {
  for_each_access<1>(0, count, [&](auto, auto access, int64_t c) HWY_ATTR {
    typename decltype(access)::V w[units];
    FOVEA_UNROLL for (int k = 0; k < units; ++k) w[k] = access.Load(weight + k * channels + c);
    for (int64_t n = 0; n < batch; ++n) {
      const float* const gradient = dy + n * all_units;
      float* const sum = sums + n * count + c;
      auto total = access.Load(sum);
      FOVEA_UNROLL for (int k = 0; k < units; ++k) { total = hn::MulAdd(hn::Set(access.d, gradient[k]), w[k], total); }
      access.Store(total, sum);
    }
  });
}

void DenseRowsInputGradient(int64_t batch, int64_t channels, int64_t units, int64_t first, int64_t count,
                            const float* dy, const float* weight, float* dx) {
  HWY_ALIGN float sums[dense_rows_samples * dense_rows_channels];
  std::fill_n(sums, batch * count, 0.0F);
  constexpr int together = 8;
  int64_t k = 0;
  for (; k + together <= units; k += together) {
    AddWeightedRows<together>(batch, channels, units, count, dy + k, weight + k * channels + first, sums);
  }
  for (; k < units; ++k) {
    AddWeightedRows<1>(batch, channels, units, count, dy + k, weight + k * channels + first, sums);
  }
  for (int64_t n = 0; n < batch; ++n) std::copy_n(sums + n * count, count, dx + n * channels + first);
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::cpu {

HWY_EXPORT(DenseRowsForward);
HWY_EXPORT(DenseRowsInputGradient);

void dense_rows_forward(int64_t batch, int64_t channels, int64_t units, int64_t first, int64_t count, const float* x,
                        const float* weight, const Epilogue& epilogue, float* y) {
  HWY_DYNAMIC_DISPATCH(DenseRowsForward)(batch, channels, units, first, count, x, weight, epilogue, y);
}

void dense_rows_input_gradient(int64_t batch, int64_t channels, int64_t units, int64_t first, int64_t count,
                               const float* dy, const float* weight, float* dx) {
  HWY_DYNAMIC_DISPATCH(DenseRowsInputGradient)(batch, channels, units, first, count, dy, weight, dx);
}

}  // namespace fovea::cpu
#endif
