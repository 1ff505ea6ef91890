#pragma once

#include <cstddef>
#include <cstdint>

// Mean squared error with SIMD, split over threads. Twins: kernels/ref/mse.h.
namespace fovea::cpu {

size_t mse_scratch(int64_t count);  // floats

void mse_forward(int64_t count, const float* a, const float* b, float* loss, float* scratch);

// da = (a - b) * scale
void mse_backward(int64_t count, const float* a, const float* b, float scale, float* da);

}  // namespace fovea::cpu
