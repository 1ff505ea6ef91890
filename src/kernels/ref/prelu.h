#pragma once

#include <algorithm>
#include <cstdint>

// x {rows, channels}; slopes: one for each channel, or one for all.
namespace fovea::ref {

// y = x > 0 ? x : slope x
template <class T>
void prelu_forward(int64_t rows, int64_t channels, int64_t slopes, const T* x, const T* slope, T* y) {
  for (int64_t i = 0; i < rows * channels; ++i) y[i] = x[i] > T(0) ? x[i] : slope[i % channels % slopes] * x[i];
}

// Null gradients are not computed.
template <class T>
void prelu_backward(int64_t rows, int64_t channels, int64_t slopes, const T* x, const T* slope, const T* dy, T* dx,
                    T* dslope) {
  if (dslope) std::fill(dslope, dslope + slopes, T(0));
  for (int64_t i = 0; i < rows * channels; ++i) {
    const int64_t c = i % channels % slopes;
    if (dx) dx[i] = x[i] > T(0) ? dy[i] : slope[c] * dy[i];
    if (dslope && !(x[i] > T(0))) dslope[c] += x[i] * dy[i];
  }
}

}  // namespace fovea::ref
