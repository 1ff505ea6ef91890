#pragma once

#include <cstdint>

// Functions of one number with SIMD, split over threads, which serve as ops of their own only (pointwise.h has those
// that convolutions can end in). Formulas: fovea/ops.h; twins: kernels/ref/elementwise.h.
namespace fovea::cpu {

enum class Elementwise { exp, log, sqrt, abs, negate, power, clip, softplus, selu, mish, smooth_abs, round };

// power: the exponent; clip: the limits; smooth_abs: beta.
struct Coefficients {
  float alpha = 0, beta = 0;
};

// y[i] = f(x[i]) for i in [0, count). x and y may be the same.
void elementwise_forward(Elementwise function, const Coefficients& coefficients, int64_t count, const float* x,
                         float* y);

// dx[i] = dy[i] * f'(x[i]); exp and sqrt read y, negate and round neither, selu both, the others x. dx and dy may be
// the same.
void elementwise_backward(Elementwise function, const Coefficients& coefficients, int64_t count, const float* x,
                          const float* y, const float* dy, float* dx);

}  // namespace fovea::cpu
