#pragma once

#include <cstddef>
#include <cstdint>

// Leaky ReLU with learned slopes, SIMD over channels, split over threads by blocks of rows. Twins: kernels/ref/prelu.h.
namespace fovea::cpu {

// x {rows, channels}; slope {channels}, or {1} for all where `shared`.
void prelu_forward(int64_t rows, int64_t channels, bool shared, const float* x, const float* slope, float* y);

// Floats of scratch that prelu_backward needs for dslope.
size_t prelu_scratch(int64_t rows, int64_t channels);

// Null gradients are not computed.
void prelu_backward(int64_t rows, int64_t channels, bool shared, const float* x, const float* slope, const float* dy,
                    float* dx, float* dslope, float* scratch);

}  // namespace fovea::cpu
