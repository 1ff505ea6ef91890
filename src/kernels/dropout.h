#pragma once

#include <cstdint>

#include "fovea/random.h"

namespace fovea {

// Element i is dropped when random.bits(i) < dropout_threshold(rate), that is with probability rate to 2^-32.
inline uint32_t dropout_threshold(double rate) { return static_cast<uint32_t>(rate * 0x1p32); }
inline float dropout_scale(double rate) { return static_cast<float>(1 / (1 - rate)); }

}  // namespace fovea
