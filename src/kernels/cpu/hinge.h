#pragma once

#include <cstdint>

// The hinge loss with SIMD within a row, split over threads by rows. Classes have been checked. Twins:
// kernels/ref/hinge.h.
namespace fovea::cpu {

// losses {rows}: that of each row.
void hinge_forward(int64_t rows, int64_t count, const float* x, const float* classes, float* losses);
void hinge_backward(int64_t rows, int64_t count, const float* x, const float* classes, float share, float* dx);

}  // namespace fovea::cpu
