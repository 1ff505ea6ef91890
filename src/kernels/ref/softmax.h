#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "kernels/classes.h"

// Rows of `count` elements.
namespace fovea::ref {

template <class T>
T row_max(int64_t count, const T* x) {
  return *std::max_element(x, x + count);
}

// Sum of e^(x - max x): every exponent is 0 or less, so nothing overflows.
template <class T>
T exp_sum(int64_t count, const T* x) {
  const T largest = row_max(count, x);
  T sum = 0;
  for (int64_t k = 0; k < count; ++k) sum += std::exp(x[k] - largest);
  return sum;
}

template <class T>
void softmax_forward(int64_t rows, int64_t count, const T* x, T* y) {
  for (int64_t row = 0; row < rows; ++row, x += count, y += count) {
    const T largest = row_max(count, x);
    const T sum = exp_sum(count, x);
    for (int64_t k = 0; k < count; ++k) y[k] = std::exp(x[k] - largest) / sum;
  }
}

// dx = y (dy - sum(y dy))
template <class T>
void softmax_backward(int64_t rows, int64_t count, const T* y, const T* dy, T* dx) {
  for (int64_t row = 0; row < rows; ++row, y += count, dy += count, dx += count) {
    T sum = 0;
    for (int64_t k = 0; k < count; ++k) sum += y[k] * dy[k];
    for (int64_t k = 0; k < count; ++k) dx[k] = y[k] * (dy[k] - sum);
  }
}

template <class T>
void log_softmax_forward(int64_t rows, int64_t count, const T* x, T* y) {
  for (int64_t row = 0; row < rows; ++row, x += count, y += count) {
    const T largest = row_max(count, x);
    const T log_sum = std::log(exp_sum(count, x));
    for (int64_t k = 0; k < count; ++k) y[k] = (x[k] - largest) - log_sum;
  }
}

// dx = dy - e^y sum(dy)
template <class T>
void log_softmax_backward(int64_t rows, int64_t count, const T* y, const T* dy, T* dx) {
  for (int64_t row = 0; row < rows; ++row, y += count, dy += count, dx += count) {
    T sum = 0;
    for (int64_t k = 0; k < count; ++k) sum += dy[k];
    for (int64_t k = 0; k < count; ++k) dx[k] = dy[k] - std::exp(y[k]) * sum;
  }
}

// loss = mean over rows of -log_softmax(x)[class]
template <class T>
void cross_entropy_forward(int64_t rows, int64_t count, const T* x, const T* classes, T* loss) {
  double sum = 0;
  for (int64_t row = 0; row < rows; ++row, x += count) {
    const int64_t target = class_index(row, classes[row], count);
    sum += std::log(exp_sum(count, x)) - (x[target] - row_max(count, x));
  }
  *loss = T(sum / static_cast<double>(rows));
}

// dx = (softmax(x) - one_hot(class)) dloss / rows
template <class T>
void cross_entropy_backward(int64_t rows, int64_t count, const T* x, const T* classes, const T* dloss, T* dx) {
  softmax_forward(rows, count, x, dx);
  for (int64_t row = 0; row < rows; ++row, dx += count) {
    dx[class_index(row, classes[row], count)] -= T(1);
    for (int64_t k = 0; k < count; ++k) dx[k] *= *dloss / T(rows);
  }
}

}  // namespace fovea::ref
