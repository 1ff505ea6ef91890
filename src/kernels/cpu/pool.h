#pragma once

#include <cstddef>

#include "kernels/pool_shape.h"

// Max and average pooling with SIMD over channels, split over threads. Twins: kernels/ref/pool.h.
namespace fovea::cpu {

// Floats in which a forward notes where its maxima were: a byte per output, or a word for windows above 256 pixels.
size_t max_pool_saved_size(const PoolShape& shape);
// saved is null when there will be no backward.
void max_pool_forward(const PoolShape& shape, const float* x, float* y, float* saved);
void max_pool_backward(const PoolShape& shape, const float* saved, const float* dy, float* dx);

void avg_pool_forward(const PoolShape& shape, const float* x, float* y);
void avg_pool_backward(const PoolShape& shape, const float* dy, float* dx);

}  // namespace fovea::cpu
