#pragma once

#include <cstdint>

// Pointwise functions with SIMD, split over threads. Formulas: fovea/ops.h; twins: kernels/ref/pointwise.h.
namespace fovea::cpu {

enum class Pointwise { identity, relu, leaky_relu, elu, sigmoid, tanh, relu6, hard_sigmoid, hard_swish, silu, gelu };

// y[i] = f(x[i]) for i in [0, count). alpha is used by leaky_relu and elu. x and y may be the same.
void pointwise_forward(Pointwise function, float alpha, int64_t count, const float* x, float* y);

// dx[i] = dy[i] * f'(x[i]); leaky_relu, hard_swish, silu and gelu read x, elu also y, the others y alone. dx and dy may
// be the same.
void pointwise_backward(Pointwise function, float alpha, int64_t count, const float* x, const float* y, const float* dy,
                        float* dx);

// sum[i] += addend[i] for i in [0, count).
void accumulate(int64_t count, const float* addend, float* sum);

}  // namespace fovea::cpu
