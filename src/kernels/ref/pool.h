#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/pool_shape.h"

namespace fovea::ref {

// The pixels that one output sees.
struct PoolWindow {
  PoolSpan planes, rows, columns;

  int64_t divisor() const { return planes.counted * rows.counted * columns.counted; }
};

// Calls f(window, n, index of the output's first channel) for every output position.
template <class F>
void for_each_pool_window(const PoolShape& s, const F& f) {
  int64_t output = 0;
  for (int64_t n = 0; n < s.batch; ++n)
    for (int64_t p = 0; p < s.out_depth; ++p)
      for (int64_t i = 0; i < s.out_height; ++i)
        for (int64_t j = 0; j < s.out_width; ++j, output += s.channels) {
          f(PoolWindow{plane_span(s, p), row_span(s, i), column_span(s, j)}, n, output);
        }
}

// Calls f(index into x) for channel c of every pixel of a window.
template <class F>
void for_each_pool_pixel(const PoolShape& s, const PoolWindow& window, int64_t n, int64_t c, const F& f) {
  for (int64_t p = window.planes.begin; p < window.planes.end; ++p)
    for (int64_t h = window.rows.begin; h < window.rows.end; ++h)
      for (int64_t w = window.columns.begin; w < window.columns.end; ++w) {
        f((((n * s.depth + p) * s.height + h) * s.width + w) * s.channels + c);
      }
}

// Index into x of a window's maximum: the first of equal ones; a NaN beats any number.
template <class T>
int64_t arg_max(const PoolShape& s, const PoolWindow& window, int64_t n, int64_t c, const T* x) {
  int64_t best = -1;
  for_each_pool_pixel(s, window, n, c, [&](int64_t index) {
    if (best < 0 || x[index] > x[best] || std::isnan(x[index])) best = index;
  });
  return best;
}

template <class T>
void max_pool_forward(const PoolShape& s, const T* x, T* y) {
  for_each_pool_window(s, [&](const PoolWindow& window, int64_t n, int64_t output) {
    for (int64_t c = 0; c < s.channels; ++c) y[output + c] = x[arg_max(s, window, n, c, x)];
  });
}

// The gradient goes to the maximum alone.
template <class T>
void max_pool_backward(const PoolShape& s, const T* x, const T* dy, T* dx) {
  std::fill_n(dx, s.batch * s.depth * s.height * s.width * s.channels, T(0));
  for_each_pool_window(s, [&](const PoolWindow& window, int64_t n, int64_t output) {
    for (int64_t c = 0; c < s.channels; ++c) dx[arg_max(s, window, n, c, x)] += dy[output + c];
  });
}

template <class T>
void avg_pool_forward(const PoolShape& s, const T* x, T* y) {
  for_each_pool_window(s, [&](const PoolWindow& window, int64_t n, int64_t output) {
    for (int64_t c = 0; c < s.channels; ++c) {
      T sum = 0;
      for_each_pool_pixel(s, window, n, c, [&](int64_t index) { sum += x[index]; });
      y[output + c] = sum / T(window.divisor());
    }
  });
}

// Every pixel of a window gets an equal share of its gradient.
template <class T>
void avg_pool_backward(const PoolShape& s, const T* dy, T* dx) {
  std::fill_n(dx, s.batch * s.depth * s.height * s.width * s.channels, T(0));
  for_each_pool_window(s, [&](const PoolWindow& window, int64_t n, int64_t output) {
    for (int64_t c = 0; c < s.channels; ++c) {
      const T share = dy[output + c] / T(window.divisor());
      for_each_pool_pixel(s, window, n, c, [&](int64_t index) { dx[index] += share; });
    }
  });
}

}  // namespace fovea::ref
