#pragma once

#include <cstddef>
#include <cstdint>

// Layer normalisation of each row of x {rows, channels}, SIMD over channels, split over threads by blocks of rows.
// Formulas: kernels/ref/layer_norm.h.
namespace fovea::cpu {

// Writes y, and for backward each row's mean, what its rounding to float leaves, and inverse deviation: {rows} each.
void layer_norm_forward(int64_t rows, int64_t channels, float epsilon, const float* x, const float* weight,
                        const float* bias, float* y, float* mean, float* mean_rest, float* inverse_deviation);

// Floats of scratch that backward needs for the parameters' gradients.
size_t layer_norm_scratch(int64_t rows, int64_t channels);

// dx is null where nobody wants it, so are dweight and dbias.
void layer_norm_backward(int64_t rows, int64_t channels, const float* x, const float* mean, const float* mean_rest,
                         const float* inverse_deviation, const float* weight, const float* dy, float* dx,
                         float* dweight, float* dbias, float* scratch);

}  // namespace fovea::cpu
