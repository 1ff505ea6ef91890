#pragma once

#include <cstdint>
#include <vector>

#include "fovea/quantized_ops.h"
#include "kernels/conv_shape.h"
#include "kernels/nearest.h"
#include "kernels/ref/conv.h"

// Quantised inference as its definition says; fovea/quantized_ops.h has the formulas. Whole numbers are held in T.
namespace fovea::ref {

template <class T>
void quantize(const Quantization& to, int64_t count, const T* x, T* y) {
  const T inverse = 1 / to.scale;
  for (int64_t i = 0; i < count; ++i) {
    y[i] = static_cast<T>(nearest(x[i] * inverse, -to.zero_point, 255 - to.zero_point) + to.zero_point);
  }
}

template <class T>
void dequantize(const Quantization& from, int64_t count, const T* x, T* y) {
  for (int64_t i = 0; i < count; ++i) y[i] = static_cast<T>(to_byte(x[i]) - from.zero_point) * T(from.scale);
}

template <class T>
void add_dequantized(const Quantization& from, int64_t count, const T* a, const T* b, T* y) {
  for (int64_t i = 0; i < count; ++i) y[i] = a[i] + static_cast<T>(to_byte(b[i]) - from.zero_point) * T(from.scale);
}

// bias may be null.
template <class T>
void quantized_conv(const ConvShape& s, const Quantization& from, const T* x, const T* weight, const T* weight_scale,
                    const T* bias, T* y) {
  std::vector<int64_t> sums(static_cast<size_t>(s.out_pixels() * s.filters));
  for_each_product(s, [&](int64_t xi, int64_t wi, int64_t yi) {
    sums[static_cast<size_t>(yi)] += int64_t{to_byte(x[xi]) - from.zero_point} * to_weight(weight[wi]);
  });
  for (int64_t i = 0; i < s.out_pixels() * s.filters; ++i) {
    const int64_t k = i % s.filters;
    const float scale = from.scale * static_cast<float>(weight_scale[k]);
    const int32_t steps = bias ? bias_steps(static_cast<float>(bias[k]), scale) : 0;
    y[i] = static_cast<T>(sums[static_cast<size_t>(i)] + steps) * T(scale);
  }
}

}  // namespace fovea::ref
