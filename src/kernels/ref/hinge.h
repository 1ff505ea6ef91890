#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/classes.h"

// The hinge loss of scores x {rows, count}.
namespace fovea::ref {

// loss = mean over rows of the sum over k != class of max(0, x[k] - x[class] + 1)
template <class T>
void hinge_forward(int64_t rows, int64_t count, const T* x, const T* classes, T* loss) {
  double sum = 0;
  for (int64_t row = 0; row < rows; ++row, x += count) {
    const int64_t target = class_index(row, classes[row], count);
    for (int64_t k = 0; k < count; ++k) {
      if (k != target) sum += std::max(T(0), x[k] - x[target] + T(1));
    }
  }
  *loss = T(sum / static_cast<double>(rows));
}

template <class T>
void hinge_backward(int64_t rows, int64_t count, const T* x, const T* classes, const T* dloss, T* dx) {
  const T share = *dloss / T(rows);
  for (int64_t row = 0; row < rows; ++row, x += count, dx += count) {
    const int64_t target = class_index(row, classes[row], count);
    T against = 0;
    for (int64_t k = 0; k < count; ++k) {
      const bool within = k != target && x[k] - x[target] + T(1) > T(0);
      dx[k] = within ? share : T(0);
      against += dx[k];
    }
    dx[target] = -against;
  }
}

}  // namespace fovea::ref
