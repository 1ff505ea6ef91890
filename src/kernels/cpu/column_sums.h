#pragma once

#include <cstdint>

namespace fovea::cpu {

// sums[c] = sum over rows of x[row, c], x {rows, columns}: the gradient of a bias. Rows are summed in blocks that
// depend on the shape alone.
int64_t column_sums_scratch(int64_t rows, int64_t columns);  // floats
void column_sums(int64_t rows, int64_t columns, const float* x, float* sums, float* scratch);

}  // namespace fovea::cpu
