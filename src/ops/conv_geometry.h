#pragma once

#include <vector>

#include "fovea/ops.h"
#include "kernels/conv_shape.h"
#include "ops/attributes.h"
#include "ops/checks.h"
#include "ops/spatial.h"

namespace fovea {

// Throws Error(format) when the filters, groups or windows of a convolution, transposed or not, make no sense.
template <class Options>
void require_windows(const Options& options, int axes) {
  constexpr int64_t most = int64_t{1} << 24;
  require(options.filters > 0 && options.filters <= most, "filters must be between 1 and {}, got {}", most,
          options.filters);
  require(options.groups > 0 && options.filters % options.groups == 0, "{} filters cannot be split into {} groups",
          options.filters, options.groups);
  require_extents("kernel", options.kernel, axes, 1);
  require_extents("stride", options.stride, axes, 1);
  require_extents("dilation", options.dilation, axes, 1);
}

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
