#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

// Layer normalisation of each row of x {rows, channels}.
namespace fovea::ref {

// mean and 1 / sqrt(variance + epsilon) of each row.
template <class T>
void layer_norm_statistics(int64_t rows, int64_t channels, double epsilon, const T* x, T* mean, T* inverse_deviation) {
  for (int64_t row = 0; row < rows; ++row, x += channels) {
    double sum = 0;
    for (int64_t c = 0; c < channels; ++c) sum += x[c];
    const double centre = sum / static_cast<double>(channels);
    double squares = 0;
    for (int64_t c = 0; c < channels; ++c) squares += (x[c] - centre) * (x[c] - centre);
    mean[row] = T(centre);
    inverse_deviation[row] = T(1 / std::sqrt(squares / static_cast<double>(channels) + epsilon));
  }
}

// y = weight (x - mean) inverse_deviation + bias
template <class T>
void layer_norm_forward(int64_t rows, int64_t channels, const T* x, const T* mean, const T* inverse_deviation,
                        const T* weight, const T* bias, T* y) {
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t c = 0; c < channels; ++c) {
      const int64_t i = row * channels + c;
      y[i] = weight[c] * (x[i] - mean[row]) * inverse_deviation[row] + bias[c];
    }
  }
}

// With z = (x - mean) inverse_deviation and g = weight dy:  dbias = sum over rows(dy),  dweight = sum over rows(dy z),
//   dx = inverse_deviation (g - average(g) - z average(g z)), averages over a row's channels.
// Null gradients are not computed.
template <class T>
void layer_norm_backward(int64_t rows, int64_t channels, const T* x, const T* mean, const T* inverse_deviation,
                         const T* weight, const T* dy, T* dx, T* dweight, T* dbias) {
  if (dweight) std::fill(dweight, dweight + channels, T(0));
  if (dbias) std::fill(dbias, dbias + channels, T(0));
  for (int64_t row = 0; row < rows; ++row) {
    const auto z = [&](int64_t i) { return (x[i] - mean[row]) * inverse_deviation[row]; };
    T sum = 0;
    T product = 0;
    for (int64_t c = 0; c < channels; ++c) {
      const int64_t i = row * channels + c;
      if (dweight) dweight[c] += dy[i] * z(i);
      if (dbias) dbias[c] += dy[i];
      sum += weight[c] * dy[i];
      product += weight[c] * dy[i] * z(i);
    }
    if (!dx) continue;
    for (int64_t c = 0; c < channels; ++c) {
      const int64_t i = row * channels + c;
      dx[i] = inverse_deviation[row] * (weight[c] * dy[i] - sum / T(channels) - z(i) * product / T(channels));
    }
  }
}

}  // namespace fovea::ref
