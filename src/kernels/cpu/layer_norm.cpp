#include "kernels/cpu/layer_norm.h"

#include <algorithm>
#include <cmath>

#include "fovea/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/layer_norm.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/vectors-inl.h"

// The functions below work on rows [begin, end).
HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

void LayerNormForward(int64_t begin, int64_t end, int64_t channels, float epsilon, const float* x, const float* weight,
                      const float* bias, float* y, float* mean, float* mean_rest, float* inverse_deviation) {
  const float share = 1.0F / static_cast<float>(channels);
  for (int64_t row = begin; row < end; ++row) {
    const float* const from = x + row * channels;
    float* const to = y + row * channels;
    const float centre = share * sum_of_vectors(channels, [&](auto d, int64_t c) { return hn::LoadU(d, from + c); });
    const auto deviation = [=](auto d, int64_t c) { return hn::Sub(hn::LoadU(d, from + c), hn::Set(d, centre)); };
    // The centre is rounded: what the deviations still sum to corrects both (Chan, Golub & LeVeque 1983).
    const float rest = share * sum_of_vectors(channels, deviation);
    const float squares = share * sum_of_vectors(channels, [&](auto d, int64_t c) {
                            const auto v = deviation(d, c);
                            return hn::Mul(v, v);
                          });
    const float scale = 1.0F / std::sqrt(squares - rest * rest + epsilon);
    for_each_channel(channels, [&](auto d, int64_t c) {
      const auto z = hn::Mul(hn::Sub(deviation(d, c), hn::Set(d, rest)), hn::Set(d, scale));
      hn::StoreU(hn::MulAdd(z, hn::LoadU(d, weight + c), hn::LoadU(d, bias + c)), d, to + c);
    });
    mean[row] = centre;
    mean_rest[row] = rest;
    inverse_deviation[row] = scale;
  }
}

void LayerNormInputGradient(int64_t begin, int64_t end, int64_t channels, const float* x, const float* mean,
                            const float* mean_rest, const float* inverse_deviation, const float* weight,
                            const float* dy, float* dx) {
  const float share = 1.0F / static_cast<float>(channels);
  for (int64_t row = begin; row < end; ++row) {
    const float centre = mean[row];
    const float rest = mean_rest[row];
    const float scale = inverse_deviation[row];
    const float* const from = x + row * channels;
    const float* const gradient = dy + row * channels;
    const auto z = [=](auto d, int64_t c) {
      const auto centred = hn::Sub(hn::Sub(hn::LoadU(d, from + c), hn::Set(d, centre)), hn::Set(d, rest));
      return hn::Mul(centred, hn::Set(d, scale));
    };
    const auto weighted = [=](auto d, int64_t c) {
      return hn::Mul(hn::LoadU(d, weight + c), hn::LoadU(d, gradient + c));
    };
    const float sum = share * sum_of_vectors(channels, weighted);
    const float product =
        share * sum_of_vectors(channels, [&](auto d, int64_t c) { return hn::Mul(weighted(d, c), z(d, c)); });
    float* const to = dx + row * channels;
    for_each_channel(channels, [&](auto d, int64_t c) {
      const auto centred = hn::Sub(weighted(d, c), hn::Set(d, sum));
      hn::StoreU(hn::Mul(hn::Set(d, scale), hn::NegMulAdd(z(d, c), hn::Set(d, product), centred)), d, to + c);
    });
  }
}

// Sums over the rows; dweight and dbias are {channels}.
void LayerNormParameterSums(int64_t begin, int64_t end, int64_t channels, const float* x, const float* mean,
                            const float* mean_rest, const float* inverse_deviation, const float* dy, float* dweight,
                            float* dbias) {
  for_each_channel(channels, [&](auto d, int64_t c) {
    auto weight_sum = hn::Zero(d);
    auto bias_sum = hn::Zero(d);
    for (int64_t row = begin; row < end; ++row) {
      const auto gradient = hn::LoadU(d, dy + row * channels + c);
      const auto centred =
          hn::Sub(hn::Sub(hn::LoadU(d, x + row * channels + c), hn::Set(d, mean[row])), hn::Set(d, mean_rest[row]));
      weight_sum = hn::MulAdd(gradient, hn::Mul(centred, hn::Set(d, inverse_deviation[row])), weight_sum);
      bias_sum = hn::Add(bias_sum, gradient);
    }
    hn::StoreU(weight_sum, d, dweight + c);
    hn::StoreU(bias_sum, d, dbias + c);
  });
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::cpu {

HWY_EXPORT(LayerNormForward);
HWY_EXPORT(LayerNormInputGradient);
HWY_EXPORT(LayerNormParameterSums);

namespace {
// Few enough rows for float sums and for the cache.
int64_t block_rows(int64_t channels) { return std::clamp<int64_t>(16384 / channels, 16, 256); }
int64_t block_count(int64_t rows, int64_t channels) { return (rows + block_rows(channels) - 1) / block_rows(channels); }
}  // namespace

void layer_norm_forward(int64_t rows, int64_t channels, float epsilon, const float* x, const float* weight,
                        const float* bias, float* y, float* mean, float* mean_rest, float* inverse_deviation) {
  auto* const kernel = HWY_DYNAMIC_DISPATCH(LayerNormForward);
  parallel_for(rows, block_rows(channels), [&](int64_t begin, int64_t end) {
    kernel(begin, end, channels, epsilon, x, weight, bias, y, mean, mean_rest, inverse_deviation);
  });
}

size_t layer_norm_scratch(int64_t rows, int64_t channels) {
  return static_cast<size_t>(2 * channels * block_count(rows, channels));
}

void layer_norm_backward(int64_t rows, int64_t channels, const float* x, const float* mean, const float* mean_rest,
                         const float* inverse_deviation, const float* weight, const float* dy, float* dx,
                         float* dweight, float* dbias, float* scratch) {
  auto* const input_gradient = HWY_DYNAMIC_DISPATCH(LayerNormInputGradient);
  auto* const parameter_sums = HWY_DYNAMIC_DISPATCH(LayerNormParameterSums);
  const int64_t size = block_rows(channels);
  const int64_t blocks = block_count(rows, channels);
  const bool sums = dweight || dbias;
  parallel_for(blocks, 1, [&](int64_t first, int64_t last) {
    for (int64_t block = first; block < last; ++block) {
      const int64_t begin = block * size;
      const int64_t end = std::min(rows, begin + size);
      float* const part = scratch + 2 * channels * block;
      if (sums) {
        parameter_sums(begin, end, channels, x, mean, mean_rest, inverse_deviation, dy, part, part + channels);
      }
      if (dx) input_gradient(begin, end, channels, x, mean, mean_rest, inverse_deviation, weight, dy, dx);
    }
  });
  if (!sums) return;
  parallel_for(channels, 16, [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c) {
      double weight_sum = 0;
      double bias_sum = 0;
      for (int64_t block = 0; block < blocks; ++block) {
        weight_sum += scratch[2 * channels * block + c];
        bias_sum += scratch[2 * channels * block + channels + c];
      }
      if (dweight) dweight[c] = static_cast<float>(weight_sum);
      if (dbias) dbias[c] = static_cast<float>(bias_sum);
    }
  });
}

}  // namespace fovea::cpu
#endif
