#pragma once

#include <cstdint>

namespace fovea::ref {

// y[n, column, row] = x[n, row, column].
template <class T>
void transpose(int64_t batch, int64_t rows, int64_t columns, const T* x, T* y) {
  for (int64_t n = 0; n < batch; ++n) {
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t column = 0; column < columns; ++column) {
        y[(n * columns + column) * rows + row] = x[(n * rows + row) * columns + column];
      }
    }
  }
}

}  // namespace fovea::ref
