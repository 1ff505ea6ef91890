#include "kernels/cpu/mse.h"

#include "fovea/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/mse.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

float MseSum(int64_t count, const float* a, const float* b) {
  return sum_of_vectors(count, [=](auto d, int64_t i) {
    const auto difference = hn::Sub(hn::LoadU(d, a + i), hn::LoadU(d, b + i));
    return hn::Mul(difference, difference);
  });
}

void MseBackward(int64_t count, const float* a, const float* b, float scale, float* da) {
  for_each_channel(count, [=](auto d, int64_t i) {
    const auto difference = hn::Sub(hn::LoadU(d, a + i), hn::LoadU(d, b + i));
    hn::StoreU(hn::Mul(difference, hn::Set(d, scale)), d, da + i);
  });
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::cpu {

HWY_EXPORT(MseSum);
HWY_EXPORT(MseBackward);

namespace {
constexpr int64_t block = 4096;  // elements summed in float; the sums of blocks are joined in double, in order
}

size_t mse_scratch(int64_t count) { return static_cast<size_t>((count + block - 1) / block); }

void mse_forward(int64_t count, const float* a, const float* b, float* loss, float* scratch) {
  auto* const kernel = HWY_DYNAMIC_DISPATCH(MseSum);
  const auto blocks = static_cast<int64_t>(mse_scratch(count));
  parallel_for(blocks, 4, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      scratch[i] = kernel(HWY_MIN(block, count - i * block), a + i * block, b + i * block);
    }
  });
  double sum = 0;
  for (int64_t i = 0; i < blocks; ++i) sum += scratch[i];
  *loss = static_cast<float>(sum / static_cast<double>(count));
}

void mse_backward(int64_t count, const float* a, const float* b, float scale, float* da) {
  auto* const kernel = HWY_DYNAMIC_DISPATCH(MseBackward);
  parallel_for(count, 4 * block,
               [&](int64_t begin, int64_t end) { kernel(end - begin, a + begin, b + begin, scale, da + begin); });
}

}  // namespace fovea::cpu
#endif
