#include "kernels/cpu/transpose.h"

#include <algorithm>

#include "fovea/parallel.h"

namespace fovea::cpu {

namespace {

constexpr int64_t grain = 16384;  // elements per chunk
constexpr int64_t tile = 16;      // one cache line of floats a side, so that each line is fetched once

void transpose_tile(int64_t rows, int64_t columns, int64_t row_stride, int64_t column_stride, const float* x,
                    float* y) {
  for (int64_t column = 0; column < columns; ++column) {
    for (int64_t row = 0; row < rows; ++row) y[column * column_stride + row] = x[row * row_stride + column];
  }
}

}  // namespace

void transpose(int64_t batch, int64_t rows, int64_t columns, const float* x, float* y) {
  const int64_t count = batch * rows * columns;
  if (rows == 1 || columns == 1) {
    return parallel_for(count, grain, [&](int64_t begin, int64_t end) { std::copy(x + begin, x + end, y + begin); });
  }
  const int64_t bands = (rows + tile - 1) / tile;  // of up to `tile` rows
  parallel_for(batch * bands, std::max<int64_t>(1, grain / (tile * columns)), [&](int64_t begin, int64_t end) {
    for (int64_t band = begin; band < end; ++band) {
      const int64_t n = band / bands;
      const int64_t row = band % bands * tile;
      for (int64_t column = 0; column < columns; column += tile) {
        transpose_tile(std::min(tile, rows - row), std::min(tile, columns - column), columns, rows,
                       x + (n * rows + row) * columns + column, y + (n * columns + column) * rows + row);
      }
    }
  });
}

}  // namespace fovea::cpu
