#pragma once

#include <cmath>
#include <cstdint>

// Batch normalisation of x {rows, channels} along the rows.
namespace fovea::ref {

// In training: the batch's mean and 1 / sqrt(variance + epsilon), while the running ones move; else from those.
template <class T>
void batch_norm_statistics(int64_t rows, int64_t channels, double epsilon, double momentum, bool training, const T* x,
                           T* running_mean, T* running_variance, T* mean, T* inverse_deviation) {
  for (int64_t c = 0; c < channels; ++c) {
    T m = running_mean[c];
    T variance = running_variance[c];
    if (training) {
      double sum = 0;
      for (int64_t row = 0; row < rows; ++row) sum += x[row * channels + c];
      m = T(sum / static_cast<double>(rows));
      double squares = 0;
      for (int64_t row = 0; row < rows; ++row) {
        const double centred = x[row * channels + c] - sum / static_cast<double>(rows);
        squares += centred * centred;
      }
      variance = T(squares / static_cast<double>(rows));
      const double unbiased = squares / static_cast<double>(rows - 1);
      running_mean[c] = T((1 - momentum) * running_mean[c] + momentum * m);
      running_variance[c] = T((1 - momentum) * running_variance[c] + momentum * unbiased);
    }
    mean[c] = m;
    inverse_deviation[c] = T(1) / std::sqrt(variance + T(epsilon));
  }
}

// y = weight (x - mean) inverse_deviation + bias
template <class T>
void batch_norm_forward(int64_t rows, int64_t channels, const T* x, const T* mean, const T* inverse_deviation,
                        const T* weight, const T* bias, T* y) {
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t c = 0; c < channels; ++c) {
      const int64_t i = row * channels + c;
      y[i] = weight[c] * (x[i] - mean[c]) * inverse_deviation[c] + bias[c];
    }
  }
}

// With z = (x - mean) inverse_deviation:  dbias = sum(dy),  dweight = sum(dy z),
//   dx = weight inverse_deviation (dy - dbias / rows - z dweight / rows)   in training, where mean and deviation depend
//   on x, and weight inverse_deviation dy else.
// Null gradients are not computed.
template <class T>
void batch_norm_backward(int64_t rows, int64_t channels, bool training, const T* x, const T* mean,
                         const T* inverse_deviation, const T* weight, const T* dy, T* dx, T* dweight, T* dbias) {
  for (int64_t c = 0; c < channels; ++c) {
    const auto z = [&](int64_t i) { return (x[i] - mean[c]) * inverse_deviation[c]; };
    double sum = 0;
    double product = 0;
    for (int64_t i = c; i < rows * channels; i += channels) {
      sum += dy[i];
      product += dy[i] * z(i);
    }
    if (dweight) dweight[c] = T(product);
    if (dbias) dbias[c] = T(sum);
    if (!dx) continue;
    const T mean_dy = training ? T(sum / static_cast<double>(rows)) : T(0);
    const T mean_product = training ? T(product / static_cast<double>(rows)) : T(0);
    for (int64_t i = c; i < rows * channels; i += channels) {
      dx[i] = weight[c] * inverse_deviation[c] * (dy[i] - mean_dy - z(i) * mean_product);
    }
  }
}

}  // namespace fovea::ref
