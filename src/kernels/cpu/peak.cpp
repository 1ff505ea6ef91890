#include "kernels/cpu/peak.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/peak.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Twelve chains hide the latency of a multiply-add (4 or 5 cycles, two a cycle) and leave registers for the factors.
int64_t MultiplyAddInRegisters(int64_t rounds) {
  const hn::ScalableTag<float> d;
  auto a0 = hn::Iota(d, 0.0F), a1 = hn::Iota(d, 1.0F), a2 = hn::Iota(d, 2.0F), a3 = hn::Iota(d, 3.0F);
  auto a4 = hn::Iota(d, 4.0F), a5 = hn::Iota(d, 5.0F), a6 = hn::Iota(d, 6.0F), a7 = hn::Iota(d, 7.0F);
  auto a8 = hn::Iota(d, 8.0F), a9 = hn::Iota(d, 9.0F), a10 = hn::Iota(d, 10.0F), a11 = hn::Iota(d, 11.0F);
  const auto factor = hn::Set(d, 0.5F);  // values settle at 1: neither infinite nor denormal
  const auto addend = hn::Set(d, 0.5F);
  for (int64_t i = 0; i < rounds; ++i) {
    a0 = hn::MulAdd(a0, factor, addend);
    a1 = hn::MulAdd(a1, factor, addend);
    a2 = hn::MulAdd(a2, factor, addend);
    a3 = hn::MulAdd(a3, factor, addend);
    a4 = hn::MulAdd(a4, factor, addend);
    a5 = hn::MulAdd(a5, factor, addend);
    a6 = hn::MulAdd(a6, factor, addend);
    a7 = hn::MulAdd(a7, factor, addend);
    a8 = hn::MulAdd(a8, factor, addend);
    a9 = hn::MulAdd(a9, factor, addend);
    a10 = hn::MulAdd(a10, factor, addend);
    a11 = hn::MulAdd(a11, factor, addend);
  }
  const auto low = hn::Add(hn::Add(hn::Add(a0, a1), hn::Add(a2, a3)), hn::Add(a4, a5));
  const auto high = hn::Add(hn::Add(hn::Add(a6, a7), hn::Add(a8, a9)), hn::Add(a10, a11));
  const volatile float used = hn::GetLane(hn::Add(low, high));
  (void)used;
  return rounds * 12 * 2 * static_cast<int64_t>(hn::Lanes(d));
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::cpu {

HWY_EXPORT(MultiplyAddInRegisters);

int64_t multiply_add_in_registers(int64_t rounds) {
  auto* const kernel = HWY_DYNAMIC_DISPATCH(MultiplyAddInRegisters);
  return kernel(rounds);
}

}  // namespace fovea::cpu
#endif
