#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "fovea/shape.h"
#include "kernels/ref/broadcast.h"

// Reductions: `kept` is x's shape with extent 1 on the axes that are reduced.
namespace fovea::ref {

// y = scale times the sum
template <class T>
void reduce_sum(const Shape& x_shape, const Shape& kept, double scale, const T* x, T* y) {
  std::fill(y, y + kept.elements(), T(0));
  for (int64_t i = 0; i < x_shape.elements(); ++i) y[broadcast_index(x_shape, kept, i)] += x[i] * T(scale);
}

template <class T>
void reduce_sum_backward(const Shape& x_shape, const Shape& kept, double scale, const T* dy, T* dx) {
  for (int64_t i = 0; i < x_shape.elements(); ++i) dx[i] = dy[broadcast_index(x_shape, kept, i)] * T(scale);
}

// Better: Maximum or Minimum. Element by element, from the first on.
template <class Better, class T>
void reduce_choice(const Better& better, const Shape& x_shape, const Shape& kept, T worst, const T* x, T* y) {
  std::fill(y, y + kept.elements(), worst);
  for (int64_t i = 0; i < x_shape.elements(); ++i) {
    T& best = y[broadcast_index(x_shape, kept, i)];
    best = better.value(x[i], best);
  }
}

// All elements that equal the chosen one share its gradient equally.
template <class T>
void reduce_choice_backward(const Shape& x_shape, const Shape& kept, const T* x, const T* y, const T* dy, T* dx) {
  for (int64_t i = 0; i < x_shape.elements(); ++i) dx[i] = x[i] == y[broadcast_index(x_shape, kept, i)] ? T(1) : T(0);
  std::vector<T> equals(static_cast<size_t>(kept.elements()), T(0));
  const auto group = [&](int64_t i) { return static_cast<size_t>(broadcast_index(x_shape, kept, i)); };
  for (int64_t i = 0; i < x_shape.elements(); ++i) equals[group(i)] += dx[i];
  for (int64_t i = 0; i < x_shape.elements(); ++i) dx[i] *= dy[group(i)] / equals[group(i)];
}

}  // namespace fovea::ref
