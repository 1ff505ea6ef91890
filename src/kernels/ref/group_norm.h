#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace fovea::ref {

// x {batch, rows, channels}; channels fall into `groups` blocks of neighbours, each normalised over rows and block.
struct GroupNormShape {
  int64_t batch, rows, channels, groups;
  double epsilon;

  int64_t size() const { return rows * channels / groups; }  // elements normalised together
  // Calls f(index, channel) for the elements of group g of sample n.
  template <class F>
  void for_each(int64_t n, int64_t g, const F& f) const {
    const int64_t width = channels / groups;
    for (int64_t row = n * rows; row < (n + 1) * rows; ++row) {
      for (int64_t c = g * width; c < (g + 1) * width; ++c) f(row * channels + c, c);
    }
  }
};

// Mean and 1 / sqrt(variance + epsilon) of a group.
template <class T>
struct GroupStatistics {
  T mean, inverse_deviation;
};
template <class T>
GroupStatistics<T> group_statistics(const GroupNormShape& s, int64_t n, int64_t g, const T* x) {
  double sum = 0;
  s.for_each(n, g, [&](int64_t i, int64_t) { sum += x[i]; });
  const double mean = sum / static_cast<double>(s.size());
  double squares = 0;
  s.for_each(n, g, [&](int64_t i, int64_t) { squares += (x[i] - mean) * (x[i] - mean); });
  return {T(mean), T(1 / std::sqrt(squares / static_cast<double>(s.size()) + s.epsilon))};
}

// y = weight (x - mean) inverse_deviation + bias; weight and bias are null for 1 and 0.
template <class T>
void group_norm_forward(const GroupNormShape& s, const T* x, const T* weight, const T* bias, T* y) {
  for (int64_t n = 0; n < s.batch; ++n) {
    for (int64_t g = 0; g < s.groups; ++g) {
      const GroupStatistics<T> of = group_statistics(s, n, g, x);
      s.for_each(n, g, [&](int64_t i, int64_t c) {
        const T z = (x[i] - of.mean) * of.inverse_deviation;
        y[i] = weight ? weight[c] * z + bias[c] : z;
      });
    }
  }
}

// With z = (x - mean) inverse_deviation and u = weight dy:  dbias = sum(dy),  dweight = sum(dy z),
//   dx = inverse_deviation (u - average(u) - z average(u z)), averages over a group.
// Null gradients are not computed.
template <class T>
void group_norm_backward(const GroupNormShape& s, const T* x, const T* weight, const T* dy, T* dx, T* dweight,
                         T* dbias) {
  if (dweight) std::fill(dweight, dweight + s.channels, T(0));
  if (dbias) std::fill(dbias, dbias + s.channels, T(0));
  for (int64_t n = 0; n < s.batch; ++n) {
    for (int64_t g = 0; g < s.groups; ++g) {
      const GroupStatistics<T> of = group_statistics(s, n, g, x);
      const auto z = [&](int64_t i) { return (x[i] - of.mean) * of.inverse_deviation; };
      const auto u = [&](int64_t i, int64_t c) { return weight ? weight[c] * dy[i] : dy[i]; };
      T sum = 0;
      T product = 0;
      s.for_each(n, g, [&](int64_t i, int64_t c) {
        if (dweight) dweight[c] += dy[i] * z(i);
        if (dbias) dbias[c] += dy[i];
        sum += u(i, c);
        product += u(i, c) * z(i);
      });
      if (!dx) continue;
      s.for_each(n, g, [&](int64_t i, int64_t c) {
        dx[i] = of.inverse_deviation * (u(i, c) - sum / T(s.size()) - z(i) * product / T(s.size()));
      });
    }
  }
}

}  // namespace fovea::ref
