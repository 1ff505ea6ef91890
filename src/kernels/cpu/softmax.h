#pragma once

#include <cstdint>

// Softmax and cross-entropy of rows of `count` elements, with SIMD within a row, split over threads by rows.
// Twins: kernels/ref/softmax.h.
namespace fovea::cpu {

void softmax_forward(int64_t rows, int64_t count, const float* x, float* y);
void softmax_backward(int64_t rows, int64_t count, const float* y, const float* dy, float* dx);
void log_softmax_forward(int64_t rows, int64_t count, const float* x, float* y);
void log_softmax_backward(int64_t rows, int64_t count, const float* y, const float* dy, float* dx);

// Classes have been checked; they are smoothed as in the twin. losses {rows}: that of each row; probabilities {rows,
// count}: softmax(x), or null.
void cross_entropy_forward(int64_t rows, int64_t count, float smoothing, const float* x, const float* classes,
                           float* probabilities, float* losses);
// dx = (probabilities - target) * share
void cross_entropy_backward(int64_t rows, int64_t count, float smoothing, const float* probabilities,
                            const float* classes, float share, float* dx);

// The same for targets {rows, count}: dx = (probabilities sum(target) - target) * share.
void soft_cross_entropy_forward(int64_t rows, int64_t count, const float* x, const float* targets, float* probabilities,
                                float* losses);
void soft_cross_entropy_backward(int64_t rows, int64_t count, const float* probabilities, const float* targets,
                                 float share, float* dx);

}  // namespace fovea::cpu
