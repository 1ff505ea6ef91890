#pragma once

#include "fovea/random.h"
#include "fovea/tensor.h"

namespace fovea {

// Normally distributed numbers.
inline Tensor noise(const Shape& shape, uint64_t seed) {
  Tensor x(shape);
  for (int64_t i = 0; i < x.size(); ++i) x[i] = Random(seed).normal(static_cast<uint64_t>(i));
  return x;
}

}  // namespace fovea
