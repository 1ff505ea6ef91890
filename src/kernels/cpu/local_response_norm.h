#pragma once

#include "kernels/local_response.h"

// Local response normalisation, SIMD over channels, split over threads by rows. Twins:
// kernels/ref/local_response_norm.h.
namespace fovea::cpu {

// sums {rows, channels} is what backward wants: s of the twin.
void local_response_forward(const LocalResponse& p, const float* x, float* y, float* sums);

// scratch: {rows, channels}.
void local_response_backward(const LocalResponse& p, const float* x, const float* sums, const float* dy, float* dx,
                             float* scratch);

}  // namespace fovea::cpu
