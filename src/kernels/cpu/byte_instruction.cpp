#include "kernels/cpu/byte_instruction.h"

#include <atomic>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace fovea::cpu {

namespace {

std::atomic<bool> is_allowed = true;

// CPUID, leaf 7.
bool has_avx512_vnni() {
#if defined(__x86_64__)
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (c >> 11U & 1U) != 0;
#else
  return false;
#endif
}
bool has_avx_vnni() {
#if defined(__x86_64__)
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a >> 4U & 1U) != 0;
#else
  return false;
#endif
}

}  // namespace

bool has_byte_instruction(ByteInstruction which) {
  static const bool avx512 = has_avx512_vnni();
  static const bool avx = has_avx_vnni();
  return is_allowed && (which == ByteInstruction::avx512 ? avx512 : avx);
}

void allow_byte_instruction(bool allowed) { is_allowed = allowed; }

}  // namespace fovea::cpu
