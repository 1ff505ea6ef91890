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
    for (int64_t i = 0; i < s.out_height; ++i)
      for (int64_t j = 0; j < s.out_width; ++j)
        for (int64_t k = 0; k < s.filters; ++k)
          for (int64_t a = 0; a < s.kernel_height; ++a)
            for (int64_t b = 0; b < s.kernel_width; ++b) {
              const int64_t row = i * s.stride_height + a * s.dilation_height - s.top;
              const int64_t column = j * s.stride_width + b * s.dilation_width - s.left;
              if (row < 0 || row >= s.height || column < 0 || column >= s.width) continue;
              const int64_t group = k / s.group_filters();
              for (int64_t c = 0; c < s.group_channels(); ++c) {
                visit(((n * s.height + row) * s.width + column) * s.channels + group * s.group_channels() + c,
                      ((k * s.group_channels() + c) * s.kernel_height + a) * s.kernel_width + b,
                      ((n * s.out_height + i) * s.out_width + j) * s.filters + k);
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
  if (dx) std::fill_n(dx, s.batch * s.height * s.width * s.channels, T(0));
  if (dweight) std::fill_n(dweight, s.filters * s.group_channels() * s.taps(), T(0));
  if (dbias) std::fill_n(dbias, s.filters, T(0));
  for_each_product(s, [&](int64_t xi, int64_t wi, int64_t yi) {
    if (dx) dx[xi] += dy[yi] * weight[wi];
    if (dweight) dweight[wi] += dy[yi] * x[xi];
  });
  for (int64_t i = 0; dbias && i < s.out_pixels() * s.filters; ++i) dbias[i % s.filters] += dy[i];
}

}  // namespace fovea::ref
