#include "ops/conv_geometry.h"

#include "core/saturate.h"
#include "ops/checks.h"
#include "ops/conv_algorithm.h"
#include "ops/spatial.h"

namespace fovea {

ConvGeometry ConvGeometry::read(AttributeReader& attributes) {
  const ConvOptions options{.filters = attributes.integer("filters"),
                            .kernel = read_extents(attributes, "kernel"),
                            .stride = read_extents(attributes, "stride"),
                            .padding = read_padding(attributes),
                            .dilation = read_extents(attributes, "dilation"),
                            .groups = attributes.integer("groups"),
                            .bias = attributes.boolean("bias")};
  return {options, options.kernel.count()};
}

Attributes ConvGeometry::attributes() const {
  Attributes attributes = {{"filters", options.filters},
                           {"kernel", options.kernel.list(axes)},
                           {"stride", options.stride.list(axes)},
                           {"dilation", options.dilation.list(axes)},
                           {"groups", options.groups},
                           {"bias", options.bias}};
  write_padding(attributes, options.padding, axes);
  return attributes;
}

Shape ConvGeometry::infer(std::span<const Shape> inputs) const {
  require_inputs(inputs, 1);
  require_positions(inputs[0], axes);
  require_windows(options, axes);
  require_padding(options.padding, axes);
  require(inputs[0].back() % options.groups == 0, "{} input channels cannot be split into {} groups", inputs[0].back(),
          options.groups);
  const ConvShape s = shape(inputs[0]);
  return positions_shape(s.batch, {s.out_depth, s.out_height, s.out_width}, s.filters, axes);
}

ConvShape ConvGeometry::shape(const Shape& x) const {
  const auto& [filters, kernel, stride, padding, dilation, groups, bias] = options;
  return make_conv_shape(x, slide(x, kernel, stride, dilation, padding), filters, groups);
}

Shape ConvGeometry::weight_shape(const Shape& x) const {
  std::vector<int64_t> dims = {options.filters, x.back() / options.groups};
  for (const int64_t extent : options.kernel.list(axes)) dims.push_back(extent);
  return Shape(dims);
}

int64_t ConvGeometry::multiply_adds(const Shape& x) const {
  const ConvShape s = shape(x);
  return saturating_product({s.out_pixels(), s.filters, s.group_channels(), s.taps()});
}

Window ConvGeometry::window() const {
  Window window = {.extent = {}, .stride = options.stride.list(axes)};
  for (int axis = 0; axis < axes; ++axis) {
    window.extent.push_back((options.kernel[axis] - 1) * options.dilation[axis] + 1);
  }
  return window;
}

}  // namespace fovea
