#pragma once

#include <cstdint>
#include <span>

// Copies of rows, split over threads. Twins: kernels/ref/concatenate.h.
namespace fovea::cpu {

void concatenate(int64_t rows, std::span<const int64_t> widths, std::span<const float* const> parts, float* y);
void split(int64_t rows, std::span<const int64_t> widths, const float* y, std::span<float* const> parts);

}  // namespace fovea::cpu
