#include "kernels/cpu/batch_norm.h"

#include <algorithm>

#include "fovea/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/batch_norm.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/activation-inl.h"
#include "kernels/cpu/vectors-inl.h"

// The functions below work on one block of rows, small enough to stay in the L2 cache between its passes.
HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Sum over rows of f(row offset), in four chains so that additions overlap.
template <class D, class F>
HWY_INLINE hn::Vec<D> SumRows(D d, int64_t rows, int64_t channels, const F& f) {
  auto s0 = hn::Zero(d);
  auto s1 = hn::Zero(d);
  auto s2 = hn::Zero(d);
  auto s3 = hn::Zero(d);
  int64_t row = 0;
  for (; row + 4 <= rows; row += 4) {
    s0 = hn::Add(s0, f(row * channels));
    s1 = hn::Add(s1, f((row + 1) * channels));
    s2 = hn::Add(s2, f((row + 2) * channels));
    s3 = hn::Add(s3, f((row + 3) * channels));
  }
  for (; row < rows; ++row) s0 = hn::Add(s0, f(row * channels));
  return hn::Add(hn::Add(s0, s1), hn::Add(s2, s3));
}

// The mean is centre + correction; squares: sum of squared deviations from it. {channels} each.
void BatchNormBlockStatistics(int64_t rows, int64_t channels, const float* x, float* centres, float* corrections,
                              float* squares) {
  const float share = 1.0F / static_cast<float>(rows);
  for_each_channel(channels, [&](auto d, int64_t c) {
    const auto total = SumRows(d, rows, channels, [=](int64_t row) { return hn::LoadU(d, x + row + c); });
    const auto centre = hn::Mul(total, hn::Set(d, share));
    const auto deviation = [=](int64_t row) { return hn::Sub(hn::LoadU(d, x + row + c), centre); };
    // The centre is rounded: what the deviations still sum to corrects both (Chan, Golub & LeVeque 1983).
    const auto rest = SumRows(d, rows, channels, deviation);
    const auto sum = SumRows(d, rows, channels, [=](int64_t row) {
      const auto v = deviation(row);
      return hn::Mul(v, v);
    });
    const auto correction = hn::Mul(rest, hn::Set(d, share));
    hn::StoreU(centre, d, centres + c);
    hn::StoreU(correction, d, corrections + c);
    hn::StoreU(hn::NegMulAdd(rest, correction, sum), d, squares + c);
  });
}

void BatchNormForward(int64_t rows, int64_t channels, const float* x, int64_t stride, const float* mean,
                      const float* scale, const float* shift, const Epilogue& epilogue, float* y) {
  const Clamp clamp = clamp_of(epilogue.activation);
  for (int64_t i = 0; i < rows * channels; i += channels, x += stride) {
    for_each_channel(channels, [&](auto d, int64_t c) {
      const auto centred = hn::Sub(hn::LoadU(d, x + c), hn::LoadU(d, mean + c));
      auto value = hn::MulAdd(centred, hn::LoadU(d, scale + c), hn::LoadU(d, shift + c));
      if (epilogue.residual) value = hn::Add(value, hn::LoadU(d, epilogue.residual + i + c));
      hn::StoreU(ClampVector(d, clamp, value), d, y + i + c);
    });
  }
  if (!is_clamp(epilogue.activation)) ActivateRow(epilogue.activation, epilogue.alpha, rows * channels, y, y);
}

template <class D>
HWY_INLINE hn::Vec<D> LoadMasked(D d, const MaskedGradient& dz, int64_t i) {
  const auto dy = hn::LoadU(d, dz.dy + i);
  return dz.y ? hn::IfThenElseZero(hn::Gt(hn::LoadU(d, dz.y + i), hn::Zero(d)), dy) : dy;
}

void BatchNormBlockSums(int64_t rows, int64_t channels, const float* x, const float* mean, const MaskedGradient& dz,
                        float* sum, float* product) {
  for_each_channel(channels, [&](auto d, int64_t c) {
    const auto gradient = [=](int64_t row) { return LoadMasked(d, dz, row + c); };
    const auto centre = hn::LoadU(d, mean + c);
    hn::StoreU(SumRows(d, rows, channels, gradient), d, sum + c);
    hn::StoreU(SumRows(d, rows, channels,
                       [=](int64_t row) { return hn::Mul(gradient(row), hn::Sub(hn::LoadU(d, x + row + c), centre)); }),
               d, product + c);
  });
}

void BatchNormBackward(int64_t rows, int64_t channels, const float* x, const float* mean, const MaskedGradient& dz,
                       const float* a, const float* b, const float* c, float* dx, float* dresidual) {
  for (int64_t i = 0; i < rows * channels; i += channels) {
    for_each_channel(channels, [&](auto d, int64_t k) {
      const auto gradient = LoadMasked(d, dz, i + k);
      if (dresidual) hn::StoreU(gradient, d, dresidual + i + k);
      if (!dx) return;
      const auto centred = hn::Sub(hn::LoadU(d, x + i + k), hn::LoadU(d, mean + k));
      const auto rest = hn::MulAdd(hn::LoadU(d, b + k), centred, hn::LoadU(d, c + k));
      hn::StoreU(hn::MulAdd(hn::LoadU(d, a + k), gradient, rest), d, dx + i + k);
    });
  }
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::cpu {

HWY_EXPORT(BatchNormBlockStatistics);
HWY_EXPORT(BatchNormForward);
HWY_EXPORT(BatchNormBlockSums);
HWY_EXPORT(BatchNormBackward);

namespace {

// Enough rows to share the cost of joining, few enough for float sums and for the cache.
int64_t block_rows(int64_t channels) { return std::clamp<int64_t>(16384 / channels, 16, 256); }
int64_t block_count(int64_t rows, int64_t channels) { return (rows + block_rows(channels) - 1) / block_rows(channels); }

// Calls f(block, first row, number of rows) for each block.
template <class F>
void over_blocks(int64_t rows, int64_t channels, const F& f) {
  const int64_t size = block_rows(channels);
  parallel_for(block_count(rows, channels), 1, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) f(block, block * size, std::min(size, rows - block * size));
  });
}

MaskedGradient rows_from(const MaskedGradient& dz, int64_t offset) {
  return {dz.dy + offset, dz.y ? dz.y + offset : nullptr};
}

// Joins the blocks of each channel, a cache line of channels at a time.
template <class F>
void over_channels(int64_t channels, const F& f) {
  parallel_for(channels, 16, [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c) f(c);
  });
}

}  // namespace

size_t batch_norm_scratch(int64_t rows, int64_t channels) {
  return static_cast<size_t>(3 * channels * block_count(rows, channels));
}

void batch_norm_statistics(int64_t rows, int64_t channels, const float* x, float* mean, float* mean_rest,
                           float* variance, float* scratch) {
  auto* const kernel = HWY_DYNAMIC_DISPATCH(BatchNormBlockStatistics);
  over_blocks(rows, channels, [&](int64_t block, int64_t first, int64_t count) {
    float* const part = scratch + 3 * channels * block;
    kernel(count, channels, x + first * channels, part, part + channels, part + 2 * channels);
  });
  over_channels(channels, [&](int64_t c) {
    double centre = double{scratch[c]} + scratch[channels + c];
    double squares = scratch[2 * channels + c];
    auto seen = static_cast<double>(std::min(block_rows(channels), rows));
    for (int64_t block = 1; block < block_count(rows, channels); ++block) {
      const float* const part = scratch + 3 * channels * block;
      const auto more = static_cast<double>(std::min(block_rows(channels), rows - block * block_rows(channels)));
      const double apart = double{part[c]} + part[channels + c] - centre;
      centre += apart * more / (seen + more);
      squares += part[2 * channels + c] + apart * apart * seen * more / (seen + more);
      seen += more;
    }
    mean[c] = static_cast<float>(centre);
    mean_rest[c] = static_cast<float>(centre - mean[c]);
    variance[c] = static_cast<float>(squares / static_cast<double>(rows));
  });
}

void batch_norm_forward(int64_t rows, int64_t channels, const float* x, int64_t stride, const float* mean,
                        const float* scale, const float* shift, const Epilogue& epilogue, float* y) {
  auto* const kernel = HWY_DYNAMIC_DISPATCH(BatchNormForward);
  over_blocks(rows, channels, [&](int64_t, int64_t first, int64_t count) {
    Epilogue of_block = epilogue;
    if (epilogue.residual) of_block.residual += first * channels;
    kernel(count, channels, x + first * stride, stride, mean, scale, shift, of_block, y + first * channels);
  });
}

void batch_norm_sums(int64_t rows, int64_t channels, const float* x, const float* mean, const MaskedGradient& dz,
                     float* sum, float* product, float* scratch) {
  auto* const kernel = HWY_DYNAMIC_DISPATCH(BatchNormBlockSums);
  over_blocks(rows, channels, [&](int64_t block, int64_t first, int64_t count) {
    float* const part = scratch + 2 * channels * block;
    kernel(count, channels, x + first * channels, mean, rows_from(dz, first * channels), part, part + channels);
  });
  over_channels(channels, [&](int64_t c) {
    double total = 0;
    double products = 0;
    for (int64_t block = 0; block < block_count(rows, channels); ++block) {
      total += scratch[2 * channels * block + c];
      products += scratch[2 * channels * block + channels + c];
    }
    sum[c] = static_cast<float>(total);
    product[c] = static_cast<float>(products);
  });
}

void batch_norm_backward(int64_t rows, int64_t channels, const float* x, const float* mean, const MaskedGradient& dz,
                         const float* a, const float* b, const float* c, float* dx, float* dresidual) {
  auto* const kernel = HWY_DYNAMIC_DISPATCH(BatchNormBackward);
  over_blocks(rows, channels, [&](int64_t, int64_t first, int64_t count) {
    const int64_t offset = first * channels;
    kernel(count, channels, x + offset, mean, rows_from(dz, offset), a, b, c, dx ? dx + offset : nullptr,
           dresidual ? dresidual + offset : nullptr);
  });
}

}  // namespace fovea::cpu
#endif
