#pragma once

#include "kernels/broadcast.h"

// Sums and products with broadcasting, SIMD along the innermost axis, split over threads. Twins:
// kernels/ref/broadcast.h.
namespace fovea::cpu {

enum class Binary { add, multiply };

void binary_forward(Binary function, const Broadcast& shape, const float* a, const float* b, float* y);

// da = dy * slope, summed over the axes along which a repeats. `shape` is of a and the slope, as of a and b above.
void binary_gradient(const Broadcast& shape, const float* dy, const float* slope, float* da);

}  // namespace fovea::cpu
