#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "fovea/quantized_ops.h"
#include "kernels/cpu/epilogue.h"

namespace fovea::cpu {

// What a layer on bytes does to its sums before they leave the registers:
//   y = quantize(activation(scale sum + residual)),
// each part but the scale optional.
struct ByteEpilogue {
  bool has_residual = false;
  std::optional<Quantization> residual{};  // of bytes; none: floats
  Pointwise activation = Pointwise::identity;
  float alpha = 0;                       // of the activation
  std::optional<Quantization> output{};  // to bytes; none: floats

  int64_t residual_size() const { return residual ? 1 : sizeof(float); }  // bytes an element
  int64_t output_size() const { return output ? 1 : sizeof(float); }
};

// How a real number becomes a byte: round(min(max(inverse x, low), high)) + zero_point. Multiplication by a positive
// number keeps order, so that an activation that is a clamp is in the bounds.
struct ToByte {
  float inverse = 1, low = 0, high = 255;
  int32_t zero_point = 0;

  explicit ToByte(const Quantization& to, const Clamp& clamp = {})
      : inverse(1 / to.scale),
        low(std::max(static_cast<float>(-to.zero_point), clamp.low * inverse)),
        high(std::min(static_cast<float>(255 - to.zero_point), clamp.high * inverse)),
        zero_point(to.zero_point) {}
};

}  // namespace fovea::cpu
