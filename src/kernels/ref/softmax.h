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

// What a class stands for: 1 - smoothing of it, and of every class an equal share of the rest.
template <class T>
T smoothed_target(int64_t k, int64_t target, int64_t count, double smoothing) {
  return T(smoothing / static_cast<double>(count) + (k == target ? 1 - smoothing : 0));
}

// loss = mean over rows of the sum of -log_softmax(x)[k] target[k]
template <class T>
void cross_entropy_forward(int64_t rows, int64_t count, double smoothing, const T* x, const T* classes, T* loss) {
  double sum = 0;
  for (int64_t row = 0; row < rows; ++row, x += count) {
    const int64_t target = class_index(row, classes[row], count);
    const T largest = row_max(count, x);
    const T log_sum = std::log(exp_sum(count, x));
    for (int64_t k = 0; k < count; ++k) {
      sum += smoothed_target<T>(k, target, count, smoothing) * (log_sum - (x[k] - largest));
    }
  }
  *loss = T(sum / static_cast<double>(rows));
}

// dx = (softmax(x) - target) dloss / rows
template <class T>
void cross_entropy_backward(int64_t rows, int64_t count, double smoothing, const T* x, const T* classes, const T* dloss,
                            T* dx) {
  softmax_forward(rows, count, x, dx);
  for (int64_t row = 0; row < rows; ++row, dx += count) {
    const int64_t target = class_index(row, classes[row], count);
    for (int64_t k = 0; k < count; ++k) {
      dx[k] = (dx[k] - smoothed_target<T>(k, target, count, smoothing)) * *dloss / T(rows);
    }
  }
}

// The same for targets that are given, {rows, count}.
template <class T>
void soft_cross_entropy_forward(int64_t rows, int64_t count, const T* x, const T* targets, T* loss) {
  double sum = 0;
  for (int64_t row = 0; row < rows; ++row, x += count, targets += count) {
    const T largest = row_max(count, x);
    const T log_sum = std::log(exp_sum(count, x));
    for (int64_t k = 0; k < count; ++k) sum += targets[k] * (log_sum - (x[k] - largest));
  }
  *loss = T(sum / static_cast<double>(rows));
}

// dx = (softmax(x) sum(target) - target) dloss / rows
template <class T>
void soft_cross_entropy_backward(int64_t rows, int64_t count, const T* x, const T* targets, const T* dloss, T* dx) {
  softmax_forward(rows, count, x, dx);
  for (int64_t row = 0; row < rows; ++row, targets += count, dx += count) {
    T total = 0;
    for (int64_t k = 0; k < count; ++k) total += targets[k];
    for (int64_t k = 0; k < count; ++k) dx[k] = (dx[k] * total - targets[k]) * *dloss / T(rows);
  }
}

}  // namespace fovea::ref
