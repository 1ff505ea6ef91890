#pragma once

#include <cstdint>

namespace fovea::cpu {

// y[n, column, row] = x[n, row, column]; x and y do not overlap.
void transpose(int64_t batch, int64_t rows, int64_t columns, const float* x, float* y);

}  // namespace fovea::cpu
