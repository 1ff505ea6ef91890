#pragma once

#include <vector>

#include "fovea/ops.h"
#include "kernels/conv_shape.h"
#include "ops/attributes.h"

namespace fovea {

// What the options of a convolution make of shapes: for those of real numbers and of bytes.
struct ConvGeometry {
  ConvOptions options;
  int axes = 2;  // sliding

  static ConvGeometry read(AttributeReader& attributes);
  Attributes attributes() const;

  // Throws Error(format) when the options make no sense or the input does not fit.
  Shape infer(std::span<const Shape> inputs) const;
  ConvShape shape(const Shape& x) const;
  Shape weight_shape(const Shape& x) const;  // in PyTorch's order
  int64_t multiply_adds(const Shape& x) const;
  Window window() const;
};

}  // namespace fovea
