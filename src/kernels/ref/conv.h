#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/conv_shape.h"

// Convolution as its definition says; fovea/ops.h has the formula.
namespace fovea::ref {

// Calls visit(x index, w index, y index) for every product of the sum.
template <class Visit>
void for_each_product(const ConvShape& s, const Visit& visit) {
  for (int64_t n = 0; n < s.batch; ++n)
    for (int64_t p = 0; p < s.out_depth; ++p)
      for (int64_t i = 0; i < s.out_height; ++i)
        for (int64_t j = 0; j < s.out_width; ++j)
          for (int64_t k = 0; k < s.filters; ++k)
            for (int64_t e = 0; e < s.kernel_depth; ++e)
              for (int64_t a = 0; a < s.kernel_height; ++a)
                for (int64_t b = 0; b < s.kernel_width; ++b) {
                  const int64_t plane = p * s.stride_depth + e * s.dilation_depth - s.front;
                  const int64_t row = i * s.stride_height + a * s.dilation_height - s.top;
                  const int64_t column = j * s.stride_width + b * s.dilation_width - s.left;
                  if (plane < 0 || plane >= s.depth || row < 0 || row >= s.height) continue;
                  if (column < 0 || column >= s.width) continue;
                  const int64_t pixel = ((n * s.depth + plane) * s.height + row) * s.width + column;
                  const int64_t tap = (e * s.kernel_height + a) * s.kernel_width + b;
                  const int64_t out = ((n * s.out_depth + p) * s.out_height + i) * s.out_width + j;
                  const int64_t group = k / s.group_filters();
                  for (int64_t c = 0; c < s.group_channels(); ++c) {
                    visit(pixel * s.channels + group * s.group_channels() + c,
                          (k * s.group_channels() + c) * s.taps() + tap, out * s.filters + k);
                  }
                }
}

// bias may be null.
template <class T>
void conv_forward(const ConvShape& s, const T* x, const T* weight, const T* bias, T* y) {
  for (int64_t i = 0; i < s.out_pixels() * s.filters; ++i) y[i] = bias ? bias[i % s.filters] : T(0);
  for_each_product(s, [&](int64_t xi, int64_t wi, int64_t yi) { y[yi] += x[xi] * weight[wi]; });
}

// Any of dx, dweight, dbias may be null.
template <class T>
void conv_backward(const ConvShape& s, const T* x, const T* weight, const T* dy, T* dx, T* dweight, T* dbias) {
  if (dx) std::fill_n(dx, s.pixels() * s.channels, T(0));
  if (dweight) std::fill_n(dweight, s.filters * s.group_channels() * s.taps(), T(0));
  if (dbias) std::fill_n(dbias, s.filters, T(0));
  for_each_product(s, [&](int64_t xi, int64_t wi, int64_t yi) {
    if (dx) dx[xi] += dy[yi] * weight[wi];
    if (dweight) dweight[wi] += dy[yi] * x[xi];
  });
  for (int64_t i = 0; dbias && i < s.out_pixels() * s.filters; ++i) dbias[i % s.filters] += dy[i];
}

// The transposed convolution: y is spread to x as the gradient of conv_forward spreads it. s is the convolution's
// shape, whose y is the input here and whose x is the output. bias may be null.
template <class T>
void conv_transpose_forward(const ConvShape& s, const T* y, const T* weight, const T* bias, T* x) {
  for (int64_t i = 0; i < s.pixels() * s.channels; ++i) x[i] = bias ? bias[i % s.channels] : T(0);
  for_each_product(s, [&](int64_t xi, int64_t wi, int64_t yi) { x[xi] += y[yi] * weight[wi]; });
}

// Any of dy, dweight, dbias may be null.
template <class T>
void conv_transpose_backward(const ConvShape& s, const T* y, const T* weight, const T* dx, T* dy, T* dweight,
                             T* dbias) {
  if (dy) std::fill_n(dy, s.out_pixels() * s.filters, T(0));
  if (dweight) std::fill_n(dweight, s.filters * s.group_channels() * s.taps(), T(0));
  if (dbias) std::fill_n(dbias, s.channels, T(0));
  for_each_product(s, [&](int64_t xi, int64_t wi, int64_t yi) {
    if (dy) dy[yi] += dx[xi] * weight[wi];
    if (dweight) dweight[wi] += dx[xi] * y[yi];
  });
  for (int64_t i = 0; dbias && i < s.pixels() * s.channels; ++i) dbias[i % s.channels] += dx[i];
}

}  // namespace fovea::ref
