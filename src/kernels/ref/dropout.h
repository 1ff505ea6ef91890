#pragma once

#include <cstdint>

#include "kernels/dropout.h"

namespace fovea::ref {

// y = x scale where the element is kept, else 0. Backward is the same on gradients.
template <class T>
void dropout(int64_t count, double rate, const Random& random, const T* x, T* y) {
  for (int64_t i = 0; i < count; ++i) {
    const bool kept = random.bits(static_cast<uint64_t>(i)) >= dropout_threshold(rate);
    y[i] = kept ? x[i] * T(dropout_scale(rate)) : T(0);
  }
}

// The same for whole samples of `size` elements.
template <class T>
void stochastic_depth(int64_t batch, int64_t size, double rate, const Random& random, const T* x, T* y) {
  for (int64_t n = 0; n < batch; ++n) {
    const bool kept = random.bits(static_cast<uint64_t>(n)) >= dropout_threshold(rate);
    for (int64_t i = n * size; i < (n + 1) * size; ++i) y[i] = kept ? x[i] * T(dropout_scale(rate)) : T(0);
  }
}

}  // namespace fovea::ref
