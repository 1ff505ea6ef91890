#include "kernels/cpu/softmax.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "fovea/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/softmax.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/math-inl.h"
#include "kernels/cpu/vectors-inl.h"

// The functions below work on rows [begin, end).
HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

HWY_INLINE float RowMax(int64_t count, const float* x) {
  float largest = -std::numeric_limits<float>::infinity();
  for_each_channel(count, [&](auto d, int64_t k) {
    largest = HWY_MAX(largest, hn::GetLane(hn::MaxOfLanes(d, hn::LoadU(d, x + k))));
  });
  return largest;
}

// Sum of e^(x - largest); the terms go to y unless it is null.
HWY_INLINE float RowExpSum(int64_t count, const float* x, float largest, float* y) {
  return sum_of_vectors(count, [=](auto d, int64_t k) {
    const auto e = Exp(d, hn::Sub(hn::LoadU(d, x + k), hn::Set(d, largest)));
    if (y) hn::StoreU(e, d, y + k);
    return e;
  });
}

HWY_INLINE void RowScale(int64_t count, float scale, const float* x, float* y) {
  for_each_channel(count,
                   [&](auto d, int64_t k) { hn::StoreU(hn::Mul(hn::LoadU(d, x + k), hn::Set(d, scale)), d, y + k); });
}

void SoftmaxForward(int64_t begin, int64_t end, int64_t count, const float* x, float* y) {
  for (int64_t i = begin * count; i < end * count; i += count) {
    const float sum = RowExpSum(count, x + i, RowMax(count, x + i), y + i);
    RowScale(count, 1.0F / sum, y + i, y + i);
  }
}

void SoftmaxBackward(int64_t begin, int64_t end, int64_t count, const float* y, const float* dy, float* dx) {
  for (int64_t i = begin * count; i < end * count; i += count) {
    const float sum = sum_of_vectors(
        count, [&](auto d, int64_t k) { return hn::Mul(hn::LoadU(d, y + i + k), hn::LoadU(d, dy + i + k)); });
    for_each_channel(count, [&](auto d, int64_t k) {
      const auto gradient = hn::Sub(hn::LoadU(d, dy + i + k), hn::Set(d, sum));
      hn::StoreU(hn::Mul(hn::LoadU(d, y + i + k), gradient), d, dx + i + k);
    });
  }
}

void LogSoftmaxForward(int64_t begin, int64_t end, int64_t count, const float* x, float* y) {
  for (int64_t i = begin * count; i < end * count; i += count) {
    const float largest = RowMax(count, x + i);
    const float log_sum = std::log(RowExpSum(count, x + i, largest, nullptr));
    for_each_channel(count, [&](auto d, int64_t k) {
      const auto shifted = hn::Sub(hn::LoadU(d, x + i + k), hn::Set(d, largest));
      hn::StoreU(hn::Sub(shifted, hn::Set(d, log_sum)), d, y + i + k);
    });
  }
}

void LogSoftmaxBackward(int64_t begin, int64_t end, int64_t count, const float* y, const float* dy, float* dx) {
  for (int64_t i = begin * count; i < end * count; i += count) {
    const float sum = sum_of_vectors(count, [&](auto d, int64_t k) { return hn::LoadU(d, dy + i + k); });
    for_each_channel(count, [&](auto d, int64_t k) {
      const auto share = hn::Mul(Exp(d, hn::LoadU(d, y + i + k)), hn::Set(d, sum));
      hn::StoreU(hn::Sub(hn::LoadU(d, dy + i + k), share), d, dx + i + k);
    });
  }
}

// The class has 1 - smoothing of the target, all classes share the rest.
void CrossEntropyForward(int64_t begin, int64_t end, int64_t count, float smoothing, const float* x,
                         const float* classes, float* probabilities, float* losses) {
  for (int64_t row = begin; row < end; ++row) {
    const float* const logits = x + row * count;
    float* const p = probabilities ? probabilities + row * count : nullptr;
    const float largest = RowMax(count, logits);
    const float sum = RowExpSum(count, logits, largest, p);
    if (p) RowScale(count, 1.0F / sum, p, p);
    float expected = logits[static_cast<int64_t>(classes[row])] - largest;
    if (smoothing > 0) {
      const float all = sum_of_vectors(
          count, [=](auto d, int64_t k) { return hn::Sub(hn::LoadU(d, logits + k), hn::Set(d, largest)); });
      expected += smoothing * (all / static_cast<float>(count) - expected);
    }
    losses[row] = std::log(sum) - expected;
  }
}

void CrossEntropyBackward(int64_t begin, int64_t end, int64_t count, float smoothing, const float* probabilities,
                          const float* classes, float share, float* dx) {
  const float rest = smoothing / static_cast<float>(count);
  for (int64_t row = begin; row < end; ++row) {
    for_each_channel(count, [&](auto d, int64_t k) {
      const auto p = hn::LoadU(d, probabilities + row * count + k);
      hn::StoreU(hn::Mul(hn::Sub(p, hn::Set(d, rest)), hn::Set(d, share)), d, dx + row * count + k);
    });
    const int64_t target = row * count + static_cast<int64_t>(classes[row]);
    dx[target] = (probabilities[target] - (1.0F - smoothing) - rest) * share;
  }
}

void SoftCrossEntropyForward(int64_t begin, int64_t end, int64_t count, const float* x, const float* targets,
                             float* probabilities, float* losses) {
  for (int64_t row = begin; row < end; ++row) {
    const float* const logits = x + row * count;
    const float* const target = targets + row * count;
    float* const p = probabilities ? probabilities + row * count : nullptr;
    const float largest = RowMax(count, logits);
    const float sum = RowExpSum(count, logits, largest, p);
    if (p) RowScale(count, 1.0F / sum, p, p);
    const float log_sum = std::log(sum);
    losses[row] = sum_of_vectors(count, [=](auto d, int64_t k) {
      const auto shifted = hn::Sub(hn::LoadU(d, logits + k), hn::Set(d, largest));
      return hn::Mul(hn::LoadU(d, target + k), hn::Sub(hn::Set(d, log_sum), shifted));
    });
  }
}

void SoftCrossEntropyBackward(int64_t begin, int64_t end, int64_t count, const float* probabilities,
                              const float* targets, float share, float* dx) {
  for (int64_t i = begin * count; i < end * count; i += count) {
    const float total = sum_of_vectors(count, [&](auto d, int64_t k) { return hn::LoadU(d, targets + i + k); });
    for_each_channel(count, [&](auto d, int64_t k) {
      const auto p = hn::Mul(hn::LoadU(d, probabilities + i + k), hn::Set(d, total));
      hn::StoreU(hn::Mul(hn::Sub(p, hn::LoadU(d, targets + i + k)), hn::Set(d, share)), d, dx + i + k);
    });
  }
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::cpu {

HWY_EXPORT(SoftmaxForward);
HWY_EXPORT(SoftmaxBackward);
HWY_EXPORT(LogSoftmaxForward);
HWY_EXPORT(LogSoftmaxBackward);
HWY_EXPORT(CrossEntropyForward);
HWY_EXPORT(CrossEntropyBackward);
HWY_EXPORT(SoftCrossEntropyForward);
HWY_EXPORT(SoftCrossEntropyBackward);

namespace {
int64_t row_grain(int64_t count) { return std::max<int64_t>(1, 4096 / count); }
}  // namespace

void softmax_forward(int64_t rows, int64_t count, const float* x, float* y) {
  auto* const kernel = HWY_DYNAMIC_DISPATCH(SoftmaxForward);
  parallel_for(rows, row_grain(count), [&](int64_t begin, int64_t end) { kernel(begin, end, count, x, y); });
}

void softmax_backward(int64_t rows, int64_t count, const float* y, const float* dy, float* dx) {
  auto* const kernel = HWY_DYNAMIC_DISPATCH(SoftmaxBackward);
  parallel_for(rows, row_grain(count), [&](int64_t begin, int64_t end) { kernel(begin, end, count, y, dy, dx); });
}

void log_softmax_forward(int64_t rows, int64_t count, const float* x, float* y) {
  auto* const kernel = HWY_DYNAMIC_DISPATCH(LogSoftmaxForward);
  parallel_for(rows, row_grain(count), [&](int64_t begin, int64_t end) { kernel(begin, end, count, x, y); });
}

void log_softmax_backward(int64_t rows, int64_t count, const float* y, const float* dy, float* dx) {
  auto* const kernel = HWY_DYNAMIC_DISPATCH(LogSoftmaxBackward);
  parallel_for(rows, row_grain(count), [&](int64_t begin, int64_t end) { kernel(begin, end, count, y, dy, dx); });
}

void cross_entropy_forward(int64_t rows, int64_t count, float smoothing, const float* x, const float* classes,
                           float* probabilities, float* losses) {
  auto* const kernel = HWY_DYNAMIC_DISPATCH(CrossEntropyForward);
  parallel_for(rows, row_grain(count), [&](int64_t begin, int64_t end) {
    kernel(begin, end, count, smoothing, x, classes, probabilities, losses);
  });
}

void cross_entropy_backward(int64_t rows, int64_t count, float smoothing, const float* probabilities,
                            const float* classes, float share, float* dx) {
  auto* const kernel = HWY_DYNAMIC_DISPATCH(CrossEntropyBackward);
  parallel_for(rows, row_grain(count), [&](int64_t begin, int64_t end) {
    kernel(begin, end, count, smoothing, probabilities, classes, share, dx);
  });
}

void soft_cross_entropy_forward(int64_t rows, int64_t count, const float* x, const float* targets, float* probabilities,
                                float* losses) {
  auto* const kernel = HWY_DYNAMIC_DISPATCH(SoftCrossEntropyForward);
  parallel_for(rows, row_grain(count),
               [&](int64_t begin, int64_t end) { kernel(begin, end, count, x, targets, probabilities, losses); });
}

void soft_cross_entropy_backward(int64_t rows, int64_t count, const float* probabilities, const float* targets,
                                 float share, float* dx) {
  auto* const kernel = HWY_DYNAMIC_DISPATCH(SoftCrossEntropyBackward);
  parallel_for(rows, row_grain(count),
               [&](int64_t begin, int64_t end) { kernel(begin, end, count, probabilities, targets, share, dx); });
}

}  // namespace fovea::cpu
#endif
