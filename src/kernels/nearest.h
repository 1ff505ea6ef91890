#pragma once

#include <cmath>
#include <cstdint>

namespace fovea {

// The whole number in [low, high] nearest to x, halves to the even one; low for NaN.
template <class T>
int32_t nearest(T x, int32_t low, int32_t high) {
  if (!(x > static_cast<T>(low))) return low;
  return x < static_cast<T>(high) ? static_cast<int32_t>(std::nearbyint(x)) : high;
}

template <class T>
int32_t to_byte(T x) {
  return nearest(x, 0, 255);
}
template <class T>
int32_t to_weight(T x) {
  return nearest(x, -128, 127);
}

// A bias in steps of the sums' scale.
inline int32_t bias_steps(float bias, float scale) { return nearest(bias / scale, -(1 << 30), 1 << 30); }

}  // namespace fovea
