#pragma once

#include <cstdint>

#include "fovea/ops.h"

// Builders of ops on whole numbers from 0 to 255 in the place of real ones. In a graph such numbers are as any others;
// a plan holds them as bytes between kernels that can work on bytes. quantize.h turns a trained network into one of
// these. Source: Jacob et al. 2018, Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
// Inference. No gradients flow through any of them. Every builder throws Error(format), naming the node, when shapes do
// not fit, a scale is not positive and finite, or a zero point is not between 0 and 255.
namespace fovea {

// Which real number a whole one stands for: real = scale (whole - zero_point), eq. 1.
struct Quantization {
  float scale = 1;
  int32_t zero_point = 0;

  bool operator==(const Quantization&) const = default;
};

// y = min(max(round(x (1 / scale)) + zero_point, 0), 255), in float32; halves go to the even number, NaN to 0.
Value quantize(Value x, const Quantization& to);

// y = scale (x - zero_point).
Value dequantize(Value x, const Quantization& from);

// y = a + scale (b - zero_point), of equal shapes: the shortcut of a residual block.
Value add_dequantized(Value a, Value b, const Quantization& from);

// Convolution as conv() of ops.h of whole numbers x, padded by the zero point, with whole weights w:
//   y[k] = s[k] (sum of (x - zero_point) w[k] + round(bias[k] / s[k])),   s[k] = scale weight_scale[k]
// Sums are 32-bit whole numbers, y is real. Parameters: "weight" as conv's, rounded to [-128, 127] where it is not
// whole (symmetric quantisation stays within 127), "weight_scale" {filters}, "bias" {filters} as real numbers; none is
// trained. A filter has at most 32768 weights, so that sums cannot overflow.
Value quantized_conv(const Scope& scope, Value x, const Quantization& from, const ConvOptions& options);

// The same of a dense layer: {N, ..., C} -> {N, ..., units}.
Value quantized_dense(const Scope& scope, Value x, const Quantization& from, int64_t units, bool bias = true);

}  // namespace fovea
