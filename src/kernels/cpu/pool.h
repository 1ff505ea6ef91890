#pragma once

#include "kernels/pool_shape.h"

// Max and average pooling with SIMD over channels, split over threads. Twins: kernels/ref/pool.h.
namespace fovea::cpu {

void max_pool_forward(const PoolShape& shape, const float* x, float* y);
// Finds the maxima again in x: cheaper than storing where they were in every forward.
void max_pool_backward(const PoolShape& shape, const float* x, const float* dy, float* dx);

void avg_pool_forward(const PoolShape& shape, const float* x, float* y);
void avg_pool_backward(const PoolShape& shape, const float* dy, float* dx);

}  // namespace fovea::cpu
