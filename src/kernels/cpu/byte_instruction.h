#pragma once

namespace fovea::cpu {

// vpdpbusd, four products of bytes added to a 32-bit sum, in its two encodings.
enum class ByteInstruction {
  avx512,  // AVX512-VNNI
  avx,     // AVX-VNNI, on machines without AVX-512
};

// Whether this machine has it and nobody has switched it off.
bool has_byte_instruction(ByteInstruction which);

// For tests: works without it from now on, or again with it.
void allow_byte_instruction(bool allowed);

}  // namespace fovea::cpu
