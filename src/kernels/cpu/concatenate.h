#pragma once

#include <cstdint>
#include <span>

// Copies of rows, split over threads. Twins: kernels/ref/concatenate.h. A part that lies where it belongs in y, whose
// rows are `stride` floats apart, is not copied.
namespace fovea::cpu {

void concatenate(int64_t rows, std::span<const int64_t> widths, std::span<const float* const> parts, float* y,
                 int64_t stride);
void split(int64_t rows, std::span<const int64_t> widths, const float* y, std::span<float* const> parts);

}  // namespace fovea::cpu
