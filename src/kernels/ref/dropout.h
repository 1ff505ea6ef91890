#pragma once

#include <cstdint>

#include "kernels/dropout.h"

namespace fovea::ref {

// y = x scale where the element's unit is kept, else 0. Backward is the same on gradients.
template <class T>
void dropout(const DropShape& shape, double rate, const Random& random, const T* x, T* y) {
  for (int64_t i = 0; i < shape.elements(); ++i) {
    const bool kept = random.bits(static_cast<uint64_t>(shape.unit_of(i))) >= dropout_threshold(rate);
    y[i] = kept ? x[i] * T(dropout_scale(rate)) : T(0);
  }
}

}  // namespace fovea::ref
