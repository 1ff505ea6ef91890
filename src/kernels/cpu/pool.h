#pragma once

#include <cstddef>

#include "kernels/pool_shape.h"

// Max and average pooling with SIMD over channels, split over threads. Twins: kernels/ref/pool.h.
namespace fovea::cpu {

// A pooling of volumes is one of their planes, as pictures, and then one across the planes, each of which is a pixel
// with very many channels. The second does nothing for pictures.
struct PoolPasses {
  PoolShape planes;
  PoolShape across;

  explicit PoolPasses(const PoolShape& shape);
  bool is_one() const { return across.height == across.out_height && across.kernel_height == 1; }
  int64_t between() const { return across.batch * across.height * across.channels; }  // floats
};

// The shapes of what follows are of pictures: depth is 1.

// Floats in which a forward notes where its maxima were: a byte per output, or a word for windows above 256 pixels.
size_t max_pool_saved_size(const PoolShape& shape);
// saved is null when there will be no backward.
void max_pool_forward(const PoolShape& shape, const float* x, float* y, float* saved);
void max_pool_backward(const PoolShape& shape, const float* saved, const float* dy, float* dx);

void avg_pool_forward(const PoolShape& shape, const float* x, float* y);
void avg_pool_backward(const PoolShape& shape, const float* dy, float* dx);

}  // namespace fovea::cpu
