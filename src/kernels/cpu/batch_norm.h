#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/cpu/epilogue.h"

// Batch normalisation of x {rows, channels} along the rows, SIMD over channels, split over threads by blocks of rows.
// Twins: kernels/ref/batch_norm.h.
namespace fovea::cpu {

// Floats of scratch that the functions below need.
size_t batch_norm_scratch(int64_t rows, int64_t channels);

// Mean of the columns, what its rounding to float leaves, and variance (sum of squared deviations / rows), {channels}
// each. Accurate however far the mean is from zero: each block of rows is centred on its own mean while in cache,
// blocks are joined in order.
void batch_norm_statistics(int64_t rows, int64_t channels, const float* x, float* mean, float* mean_rest,
                           float* variance, float* scratch);

// y = activation(scale (x - mean) + shift + residual), per channel; the epilogue's bias takes no part. The rows of x
// are `stride` floats apart.
void batch_norm_forward(int64_t rows, int64_t channels, const float* x, int64_t stride, const float* mean,
                        const float* scale, const float* shift, const Epilogue& epilogue, float* y);

// The gradient dz of the sum before the activation, which is that of y where y > 0 for a ReLU (y null: no activation).
struct MaskedGradient {
  const float* dy;
  const float* y;
};

// sum = sum over rows of dz, product = sum over rows of dz (x - mean), per channel
void batch_norm_sums(int64_t rows, int64_t channels, const float* x, const float* mean, const MaskedGradient& dz,
                     float* sum, float* product, float* scratch);

// dx = a dz + b (x - mean) + c, per channel, and dresidual = dz; either may be null.
void batch_norm_backward(int64_t rows, int64_t channels, const float* x, const float* mean, const MaskedGradient& dz,
                         const float* a, const float* b, const float* c, float* dx, float* dresidual);

}  // namespace fovea::cpu
