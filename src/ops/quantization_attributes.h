#pragma once

#include <cmath>

#include "fovea/quantized_ops.h"
#include "ops/attributes.h"
#include "ops/checks.h"

namespace fovea {

inline void write_quantization(Attributes& attributes, const Quantization& q) {
  attributes["scale"] = static_cast<double>(q.scale);
  attributes["zero_point"] = int64_t{q.zero_point};
}

inline Quantization read_quantization(AttributeReader& attributes) {
  const int64_t zero_point = attributes.integer("zero_point");
  require(zero_point >= 0 && zero_point <= 255, "zero_point must be between 0 and 255, got {}", zero_point);
  return {.scale = static_cast<float>(attributes.number("scale")), .zero_point = static_cast<int32_t>(zero_point)};
}

// Throws Error(format) unless they can be computed with: the reciprocal of the scale is finite, too.
inline void check_quantization(const Quantization& q) {
  require(q.scale > 0 && std::isnormal(q.scale) && std::isnormal(1 / q.scale),
          "scale must be positive and finite, got {}", q.scale);
  require(q.zero_point >= 0 && q.zero_point <= 255, "zero_point must be between 0 and 255, got {}", q.zero_point);
}

}  // namespace fovea
