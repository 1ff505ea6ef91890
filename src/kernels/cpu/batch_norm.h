#pragma once

#include <cstddef>
#include <cstdint>

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

// y = scale (x - mean) + shift, per channel
void batch_norm_forward(int64_t rows, int64_t channels, const float* x, const float* mean, const float* scale,
                        const float* shift, float* y);

// sum = sum over rows of dy, product = sum over rows of dy (x - mean), per channel
void batch_norm_sums(int64_t rows, int64_t channels, const float* x, const float* mean, const float* dy, float* sum,
                     float* product, float* scratch);

// dx = a dy + b (x - mean) + c, per channel
void batch_norm_backward(int64_t rows, int64_t channels, const float* x, const float* mean, const float* dy,
                         const float* a, const float* b, const float* c, float* dx);

}  // namespace fovea::cpu
