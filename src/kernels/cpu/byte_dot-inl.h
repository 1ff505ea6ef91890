// Products of bytes; re-included per instruction set, so no #pragma once.
#if defined(FOVEA_KERNELS_CPU_BYTE_DOT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FOVEA_KERNELS_CPU_BYTE_DOT_INL_H_
#undef FOVEA_KERNELS_CPU_BYTE_DOT_INL_H_
#else
#define FOVEA_KERNELS_CPU_BYTE_DOT_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>
#include <type_traits>

#include "kernels/cpu/byte_instruction.h"

HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// sum + x[0] w[0] + ... + x[3] w[3] in every 32-bit lane, of the lanes' four bytes: those of x from 0 to 255, those of
// w from -128 to 127. Nothing saturates. `instruction`: by vpdpbusd, which this Highway does not know; the machine must
// have it. Otherwise by pairs of 16-bit numbers, of which each byte makes one.
template <bool instruction, class D, class V = hn::Vec<D>>
HWY_INLINE V AddDot(D d, V sum, V x, V w) {
#if HWY_TARGET == HWY_AVX3
  if constexpr (instruction) {
    asm("vpdpbusd %2, %1, %0" : "+v"(sum.raw) : "v"(x.raw), "v"(w.raw));
    return sum;
  }
#elif HWY_TARGET == HWY_AVX2
  if constexpr (instruction) {
    asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum.raw) : "x"(x.raw), "x"(w.raw));
    return sum;
  }
#endif
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2
  const hn::Repartition<int16_t, D> d16;
  const hn::Repartition<uint16_t, D> du16;
  const auto x16 = hn::BitCast(du16, x);
  const auto w16 = hn::BitCast(d16, w);
  const auto x_even = hn::BitCast(d16, hn::And(x16, hn::Set(du16, 0xFF)));
  const auto x_odd = hn::BitCast(d16, hn::ShiftRight<8>(x16));
  const auto w_even = hn::ShiftRight<8>(hn::ShiftLeft<8>(w16));
  const auto w_odd = hn::ShiftRight<8>(w16);
  V none = hn::Zero(d);  // on x86 all is added to the first sum, pair by pair
  sum = hn::ReorderWidenMulAccumulate(d, x_even, w_even, sum, none);
  return hn::ReorderWidenMulAccumulate(d, x_odd, w_odd, sum, none);
#else
  const V byte = hn::Set(d, 0xFF);
  sum = hn::Add(sum, hn::Mul(hn::And(x, byte), hn::ShiftRight<24>(hn::ShiftLeft<24>(w))));
  sum = hn::Add(sum, hn::Mul(hn::And(hn::ShiftRight<8>(x), byte), hn::ShiftRight<24>(hn::ShiftLeft<16>(w))));
  sum = hn::Add(sum, hn::Mul(hn::And(hn::ShiftRight<16>(x), byte), hn::ShiftRight<24>(hn::ShiftLeft<8>(w))));
  return hn::Add(sum, hn::Mul(hn::And(hn::ShiftRight<24>(x), byte), hn::ShiftRight<24>(w)));
#endif
}

// Calls f with whether vpdpbusd is there, as a type.
template <class F>
HWY_INLINE void WithByteInstruction(const F& f) {
#if HWY_TARGET == HWY_AVX3
  if (has_byte_instruction(ByteInstruction::avx512)) return f(std::true_type());
#elif HWY_TARGET == HWY_AVX2
  if (has_byte_instruction(ByteInstruction::avx)) return f(std::true_type());
#endif
  f(std::false_type());
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
