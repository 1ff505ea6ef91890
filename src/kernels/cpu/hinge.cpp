#include "kernels/cpu/hinge.h"

#include <algorithm>

#include "fovea/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/hinge.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/vectors-inl.h"

// The functions below work on rows [begin, end).
HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The class itself counts as 1, which is taken off again.
void HingeForward(int64_t begin, int64_t end, int64_t count, const float* x, const float* classes, float* losses) {
  for (int64_t row = begin; row < end; ++row) {
    const float* const scores = x + row * count;
    const float target = scores[static_cast<int64_t>(classes[row])];
    const float sum = sum_of_vectors(count, [=](auto d, int64_t k) {
      const auto margin = hn::Add(hn::Sub(hn::LoadU(d, scores + k), hn::Set(d, target)), hn::Set(d, 1.0F));
      return hn::Max(margin, hn::Zero(d));
    });
    losses[row] = sum - 1.0F;
  }
}

void HingeBackward(int64_t begin, int64_t end, int64_t count, const float* x, const float* classes, float share,
                   float* dx) {
  for (int64_t row = begin; row < end; ++row) {
    const float* const scores = x + row * count;
    float* const to = dx + row * count;
    const auto class_index = static_cast<int64_t>(classes[row]);
    const float target = scores[class_index];
    for_each_channel(count, [=](auto d, int64_t k) {
      const auto margin = hn::Add(hn::Sub(hn::LoadU(d, scores + k), hn::Set(d, target)), hn::Set(d, 1.0F));
      hn::StoreU(hn::IfThenElseZero(hn::Gt(margin, hn::Zero(d)), hn::Set(d, 1.0F)), d, to + k);
    });
    const float within = sum_of_vectors(count, [=](auto d, int64_t k) { return hn::LoadU(d, to + k); });
    to[class_index] = 1.0F - within;
    for_each_channel(
        count, [=](auto d, int64_t k) { hn::StoreU(hn::Mul(hn::LoadU(d, to + k), hn::Set(d, share)), d, to + k); });
  }
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::cpu {

HWY_EXPORT(HingeForward);
HWY_EXPORT(HingeBackward);

namespace {
int64_t row_grain(int64_t count) { return std::max<int64_t>(1, 4096 / count); }
}  // namespace

void hinge_forward(int64_t rows, int64_t count, const float* x, const float* classes, float* losses) {
  auto* const kernel = HWY_DYNAMIC_DISPATCH(HingeForward);
  parallel_for(rows, row_grain(count),
               [&](int64_t begin, int64_t end) { kernel(begin, end, count, x, classes, losses); });
}

void hinge_backward(int64_t rows, int64_t count, const float* x, const float* classes, float share, float* dx) {
  auto* const kernel = HWY_DYNAMIC_DISPATCH(HingeBackward);
  parallel_for(rows, row_grain(count),
               [&](int64_t begin, int64_t end) { kernel(begin, end, count, x, classes, share, dx); });
}

}  // namespace fovea::cpu
#endif
