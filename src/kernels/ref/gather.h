#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace fovea::ref {

// data {outer, extent, inner}, indices {count} -> y {outer, count, inner}.
struct GatherShape {
  int64_t outer, extent, inner, count;
};

// The row that an index names: rounded, from the end below zero, the nearest there is if it lies beyond.
template <class T>
int64_t gathered_row(const GatherShape& s, T index) {
  if (!(std::abs(index) < static_cast<T>(1e9))) return 0;
  const auto row = static_cast<int64_t>(std::nearbyint(index));
  return std::clamp<int64_t>(row < 0 ? row + s.extent : row, 0, s.extent - 1);
}

// y[o, i] = data[o, indices[i]]
template <class T>
void gather_forward(const GatherShape& s, const T* data, const T* indices, T* y) {
  for (int64_t o = 0; o < s.outer; ++o) {
    for (int64_t i = 0; i < s.count; ++i) {
      const T* const from = data + (o * s.extent + gathered_row(s, indices[i])) * s.inner;
      std::copy_n(from, s.inner, y + (o * s.count + i) * s.inner);
    }
  }
}

template <class T>
void gather_backward(const GatherShape& s, const T* indices, const T* y_gradient, T* data_gradient) {
  std::fill_n(data_gradient, s.outer * s.extent * s.inner, T{0});
  for (int64_t o = 0; o < s.outer; ++o) {
    for (int64_t i = 0; i < s.count; ++i) {
      T* const to = data_gradient + (o * s.extent + gathered_row(s, indices[i])) * s.inner;
      const T* const from = y_gradient + (o * s.count + i) * s.inner;
      for (int64_t k = 0; k < s.inner; ++k) to[k] += from[k];
    }
  }
}

}  // namespace fovea::ref
