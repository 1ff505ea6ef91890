#include "kernels/cpu/dropout.h"

#include "fovea/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/dropout.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int64_t philox_batch = 64;  // blocks of four words made at once

#if HWY_TARGET == HWY_SCALAR
inline void PhiloxBlocks(const Random& random, uint64_t first, uint32_t* words) {
  for (uint64_t i = 0; i < philox_batch; ++i) {
    for (const uint32_t word : random.block(first + i)) *words++ = word;
  }
}
#else
// random.block(first + i) for i in [0, philox_batch), one block per 64-bit lane. The words of a block lie in the lower
// halves of four vectors; the upper halves are left as they fall until the end.
inline void PhiloxBlocks(const Random& random, uint64_t first, uint32_t* words) {
  const hn::ScalableTag<uint64_t> d;
  const hn::Repartition<uint32_t, decltype(d)> d32;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto multiply = [=](auto word, uint64_t by) {
    return hn::MulEven(hn::BitCast(d32, word), hn::BitCast(d32, hn::Set(d, by)));
  };
  for (int64_t i = 0; i < philox_batch; i += lanes) {
    auto c0 = hn::Iota(d, first + static_cast<uint64_t>(i));
    auto c1 = hn::ShiftRight<32>(c0);
    auto c2 = hn::Set(d, random.stream());
    auto c3 = hn::ShiftRight<32>(c2);
    uint64_t key0 = random.seed();
    uint64_t key1 = random.seed() >> 32U;
    for (int round = 0; round < 10; ++round) {
      const auto p0 = multiply(c0, 0xD2511F53);
      const auto p1 = multiply(c2, 0xCD9E8D57);
      c0 = hn::Xor(hn::Xor(hn::ShiftRight<32>(p1), c1), hn::Set(d, key0));
      c1 = p1;
      c2 = hn::Xor(hn::Xor(hn::ShiftRight<32>(p0), c3), hn::Set(d, key1));
      c3 = p0;
      key0 += 0x9E3779B9;
      key1 += 0xBB67AE85;
    }
    const auto low = hn::Set(d, 0xFFFFFFFF);
    const auto first_half = hn::Or(hn::And(c0, low), hn::ShiftLeft<32>(c1));
    const auto second_half = hn::Or(hn::And(c2, low), hn::ShiftLeft<32>(c3));
    hn::StoreInterleaved2(first_half, second_half, d, reinterpret_cast<uint64_t*>(words + 4 * i));
  }
}
#endif

// Elements [begin, end); begin is a multiple of 4.
void Dropout(int64_t begin, int64_t end, uint32_t threshold, float scale, const Random& random, const float* x,
             float* y) {
  HWY_ALIGN uint32_t words[4 * philox_batch];
  for (; begin < end; begin += 4 * philox_batch) {
    PhiloxBlocks(random, static_cast<uint64_t>(begin / 4), words);
    const float* const from = x + begin;
    float* const to = y + begin;
    for_each_channel(HWY_MIN(end - begin, 4 * philox_batch), [&](auto d, int64_t i) {
      const hn::RebindToUnsigned<decltype(d)> du;
      // Highway 1.0 compares unsigned numbers on few targets, signed ones everywhere: shift both by 2^31.
      const hn::RebindToSigned<decltype(d)> di;
      const auto sign = hn::Set(du, 0x80000000);
      const auto word = hn::BitCast(di, hn::Xor(hn::LoadU(du, words + i), sign));
      const auto dropped = hn::RebindMask(d, hn::Lt(word, hn::BitCast(di, hn::Set(du, threshold ^ 0x80000000))));
      hn::StoreU(hn::IfThenZeroElse(dropped, hn::Mul(hn::LoadU(d, from + i), hn::Set(d, scale))), d, to + i);
    });
  }
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::cpu {

HWY_EXPORT(Dropout);

void dropout(int64_t count, double rate, const Random& random, const float* x, float* y) {
  constexpr int64_t grain = 16384;  // elements per chunk
  auto* const kernel = HWY_DYNAMIC_DISPATCH(Dropout);
  parallel_for(count, grain, [&](int64_t begin, int64_t end) {
    kernel(begin, end, dropout_threshold(rate), dropout_scale(rate), random, x, y);
  });
}

}  // namespace fovea::cpu
#endif
