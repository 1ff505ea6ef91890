#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/local_response.h"

namespace fovea::ref {

// s[c] = k + share * sum of x[j]^2 over c - before <= j <= c + after, of one row
template <class T>
std::vector<T> local_response_sums(const LocalResponse& p, const T* x) {
  std::vector<T> s(static_cast<size_t>(p.channels), T(p.k));
  for (int64_t c = 0; c < p.channels; ++c) {
    for (int64_t j = std::max<int64_t>(0, c - p.before); j <= std::min(p.channels - 1, c + p.after); ++j) {
      s[static_cast<size_t>(c)] += T(p.share) * x[j] * x[j];
    }
  }
  return s;
}

// y[c] = x[c] s[c]^-beta
template <class T>
void local_response_forward(const LocalResponse& p, const T* x, T* y) {
  for (int64_t row = 0; row < p.rows; ++row, x += p.channels, y += p.channels) {
    const std::vector<T> s = local_response_sums(p, x);
    for (int64_t c = 0; c < p.channels; ++c) y[c] = x[c] * std::pow(s[static_cast<size_t>(c)], T(-p.beta));
  }
}

// dx[j] = dy[j] s[j]^-beta - 2 share beta x[j] * sum of dy[c] x[c] s[c]^(-beta - 1) over the c in whose sum j is
template <class T>
void local_response_backward(const LocalResponse& p, const T* x, const T* dy, T* dx) {
  for (int64_t row = 0; row < p.rows; ++row, x += p.channels, dy += p.channels, dx += p.channels) {
    const std::vector<T> s = local_response_sums(p, x);
    const auto power = [&](int64_t c, double exponent) { return std::pow(s[static_cast<size_t>(c)], T(exponent)); };
    for (int64_t j = 0; j < p.channels; ++j) {
      T sum = 0;
      for (int64_t c = std::max<int64_t>(0, j - p.after); c <= std::min(p.channels - 1, j + p.before); ++c) {
        sum += dy[c] * x[c] * power(c, -p.beta - 1);
      }
      dx[j] = dy[j] * power(j, -p.beta) - T(2 * p.share * p.beta) * x[j] * sum;
    }
  }
}

}  // namespace fovea::ref
