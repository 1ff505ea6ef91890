#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include "kernels/pool_shape.h"

namespace fovea::ref {

// Calls f(window, n, i, j) for every output position.
template <class F>
void for_each_pool_window(const PoolShape& s, const F& f) {
  for (int64_t n = 0; n < s.batch; ++n) {
    for (int64_t i = 0; i < s.out_height; ++i) {
      for (int64_t j = 0; j < s.out_width; ++j) f(pool_window(s, i, j), n, i, j);
    }
  }
}

inline int64_t pool_input(const PoolShape& s, int64_t n, int64_t h, int64_t w, int64_t c) {
  return ((n * s.height + h) * s.width + w) * s.channels + c;
}

inline int64_t pool_output(const PoolShape& s, int64_t n, int64_t i, int64_t j, int64_t c) {
  return ((n * s.out_height + i) * s.out_width + j) * s.channels + c;
}

// Index into x of a window's maximum: the first of equal ones; a NaN beats any number.
template <class T>
int64_t arg_max(const PoolShape& s, const PoolWindow& window, int64_t n, int64_t c, const T* x) {
  int64_t best = pool_input(s, n, window.top, window.left, c);
  for (int64_t h = window.top; h < window.bottom; ++h) {
    for (int64_t w = window.left; w < window.right; ++w) {
      const int64_t index = pool_input(s, n, h, w, c);
      if (x[index] > x[best] || std::isnan(x[index])) best = index;
    }
  }
  return best;
}

template <class T>
void max_pool_forward(const PoolShape& s, const T* x, T* y) {
  for_each_pool_window(s, [&](const PoolWindow& window, int64_t n, int64_t i, int64_t j) {
    for (int64_t c = 0; c < s.channels; ++c) y[pool_output(s, n, i, j, c)] = x[arg_max(s, window, n, c, x)];
  });
}

// The gradient goes to the maximum alone.
template <class T>
void max_pool_backward(const PoolShape& s, const T* x, const T* dy, T* dx) {
  std::fill(dx, dx + s.batch * s.height * s.width * s.channels, T(0));
  for_each_pool_window(s, [&](const PoolWindow& window, int64_t n, int64_t i, int64_t j) {
    for (int64_t c = 0; c < s.channels; ++c) dx[arg_max(s, window, n, c, x)] += dy[pool_output(s, n, i, j, c)];
  });
}

template <class T>
void avg_pool_forward(const PoolShape& s, const T* x, T* y) {
  for_each_pool_window(s, [&](const PoolWindow& window, int64_t n, int64_t i, int64_t j) {
    for (int64_t c = 0; c < s.channels; ++c) {
      T sum = 0;
      for (int64_t h = window.top; h < window.bottom; ++h) {
        for (int64_t w = window.left; w < window.right; ++w) sum += x[pool_input(s, n, h, w, c)];
      }
      y[pool_output(s, n, i, j, c)] = sum / T(window.divisor);
    }
  });
}

// Every pixel of a window gets an equal share of its gradient.
template <class T>
void avg_pool_backward(const PoolShape& s, const T* dy, T* dx) {
  std::fill(dx, dx + s.batch * s.height * s.width * s.channels, T(0));
  for_each_pool_window(s, [&](const PoolWindow& window, int64_t n, int64_t i, int64_t j) {
    for (int64_t c = 0; c < s.channels; ++c) {
      const T share = dy[pool_output(s, n, i, j, c)] / T(window.divisor);
      for (int64_t h = window.top; h < window.bottom; ++h) {
        for (int64_t w = window.left; w < window.right; ++w) dx[pool_input(s, n, h, w, c)] += share;
      }
    }
  });
}

}  // namespace fovea::ref
