#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/axis_taps.h"

namespace fovea::ref {

// Calls f(offset in x, weight) for each element of x that element `index` of the output comes from.
template <class F>
void for_each_tap(std::span<const AxisTaps> axes, int64_t index, const F& f, int64_t stride = 1, int64_t offset = 0,
                  double weight = 1) {
  if (axes.empty()) return f(offset, weight);
  const AxisTaps& axis = axes.back();
  for (const Tap& tap : axis.rows[static_cast<size_t>(index % axis.to())]) {
    for_each_tap(axes.first(axes.size() - 1), index / axis.to(), f, stride * axis.from, offset + tap.index * stride,
                 weight * tap.weight);
  }
}

inline int64_t output_elements(std::span<const AxisTaps> axes) {
  int64_t count = 1;
  for (const AxisTaps& axis : axes) count *= axis.to();
  return count;
}

// y = A0 A1 ... x; `fill` where nothing of x goes.
template <class T>
void taps_forward(std::span<const AxisTaps> axes, T fill, const T* x, T* y) {
  for (int64_t i = 0; i < output_elements(axes); ++i) {
    bool none = true;
    y[i] = 0;
    for_each_tap(axes, i, [&](int64_t offset, double weight) {
      y[i] += T(weight) * x[offset];
      none = false;
    });
    if (none) y[i] = fill;
  }
}

template <class T>
void taps_backward(std::span<const AxisTaps> axes, const T* dy, T* dx) {
  int64_t inputs = 1;
  for (const AxisTaps& axis : axes) inputs *= axis.from;
  std::fill(dx, dx + inputs, T(0));
  for (int64_t i = 0; i < output_elements(axes); ++i) {
    for_each_tap(axes, i, [&](int64_t offset, double weight) { dx[offset] += T(weight) * dy[i]; });
  }
}

}  // namespace fovea::ref
