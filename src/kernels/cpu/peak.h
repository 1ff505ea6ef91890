#pragma once

#include <cstdint>

namespace fovea::cpu {

// Multiplies and adds in registers alone, `rounds` times over, with the instruction set in use; returns the floating
// point operations done, a fused multiply-add counting as two. One thread.
int64_t multiply_add_in_registers(int64_t rounds);

}  // namespace fovea::cpu
