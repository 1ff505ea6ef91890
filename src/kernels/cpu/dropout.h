#pragma once

#include "kernels/dropout.h"

namespace fovea::cpu {

// Dropout with vectorised Philox, split over threads; backward is the same on gradients. x and y may be the same.
// Twin: kernels/ref/dropout.h, equal bit for bit.
void dropout(int64_t count, double rate, const Random& random, const float* x, float* y);

}  // namespace fovea::cpu
