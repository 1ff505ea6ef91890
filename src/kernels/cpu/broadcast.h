#pragma once

#include "kernels/broadcast.h"

// Functions of two values with broadcasting, SIMD along the innermost axis, split over threads. Twins:
// kernels/ref/broadcast.h.
namespace fovea::cpu {

enum class Binary { add, subtract, multiply, divide, minimum, maximum, equal };  // equal: 1 or 0

void binary_forward(Binary function, const Broadcast& shape, const float* a, const float* b, float* y);

// The derivative of a function by one of its operands, x, when the other is z.
enum class Slope {
  one,         // of sums
  minus_one,   // of differences, by the subtrahend
  other,       // of products: z
  reciprocal,  // of quotients, by the dividend: 1 / z
  ratio,       // of quotients, by the divisor: -z / x^2
  below,       // of minima: 1 where x < z, 1/2 where they are equal
  above,       // of maxima
};

// dx = dy * slope(x, z), summed over the axes along which x repeats. `shape` is of x and z, as of a and b above; those
// that the slope does not read may be null.
void binary_gradient(Slope slope, const Broadcast& shape, const float* x, const float* z, const float* dy, float* dx);

}  // namespace fovea::cpu
