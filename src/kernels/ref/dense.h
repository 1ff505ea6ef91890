#pragma once

#include <cstdint>

namespace fovea::ref {

// y[n,k] = bias[k] + sum over c of weight[k,c] x[n,c]; bias may be null.
template <class T>
void dense_forward(int64_t batch, int64_t channels, int64_t units, const T* x, const T* weight, const T* bias, T* y) {
  for (int64_t n = 0; n < batch; ++n)
    for (int64_t k = 0; k < units; ++k) {
      T sum = bias ? bias[k] : T(0);
      for (int64_t c = 0; c < channels; ++c) sum += weight[k * channels + c] * x[n * channels + c];
      y[n * units + k] = sum;
    }
}

// dx = dy weight, dweight = dy^T x, dbias = column sums of dy; any of them may be null.
template <class T>
void dense_backward(int64_t batch, int64_t channels, int64_t units, const T* x, const T* weight, const T* dy, T* dx,
                    T* dweight, T* dbias) {
  for (int64_t n = 0; dx && n < batch; ++n)
    for (int64_t c = 0; c < channels; ++c) {
      T sum = T(0);
      for (int64_t k = 0; k < units; ++k) sum += dy[n * units + k] * weight[k * channels + c];
      dx[n * channels + c] = sum;
    }
  for (int64_t k = 0; k < units; ++k) {
    for (int64_t c = 0; dweight && c < channels; ++c) {
      T sum = T(0);
      for (int64_t n = 0; n < batch; ++n) sum += dy[n * units + k] * x[n * channels + c];
      dweight[k * channels + c] = sum;
    }
    if (!dbias) continue;
    dbias[k] = T(0);
    for (int64_t n = 0; n < batch; ++n) dbias[k] += dy[n * units + k];
  }
}

}  // namespace fovea::ref
