// Parts of values, and values put together.
#include <algorithm>
#include <array>
#include <limits>

#include "io/onnx/array.h"
#include "io/onnx/evaluate.h"
#include "io/onnx/op_imports.h"
#include "ops/checks.h"

namespace fovea {

namespace {

// Of a shape that is known it is a constant, which never gets here.
void import_constant_of_shape(NodeImport& node) { node.constant(0, "shape"); }

struct PadSides {
  std::vector<int64_t> axes, before, after;
};

// Slices of a value, as attributes of the op; axes are the value's.
Attributes slice_attributes(const Order& order, const std::vector<SliceRange>& ranges) {
  std::vector<int64_t> axes, starts, stops, steps;
  for (const SliceRange& range : ranges) {
    const int64_t stop = range.start + range.count * range.step;
    axes.push_back(place(order, range.axis));
    starts.push_back(range.start);
    stops.push_back(stop < 0 ? std::numeric_limits<int64_t>::min() : stop);
    steps.push_back(range.step);
  }
  return {{"axes", axes}, {"starts", starts}, {"stops", stops}, {"steps", steps}};
}

void slice(NodeImport& node, int output, const std::vector<SliceRange>& ranges, const std::string& name) {
  Operand& x = node.input(0);
  std::vector<int64_t> dims = x.dims;
  std::vector<SliceRange> cutting;
  for (const SliceRange& range : ranges) {
    int64_t& dim = dims[static_cast<size_t>(range.axis)];
    if (range.count != dim || range.step != 1) cutting.push_back(range);
    dim = range.count;
  }
  if (cutting.empty()) return node.alias(output, x);
  if (Shape(dims).elements() == 0) return node.output(output, make_array(x.type, Shape(dims)));
  const Order order = x.order();
  const Value in = node.network().in_order(x, order);
  node.output(output, dims, order, node.network().add(name, "slice", slice_attributes(order, cutting), {in}));
}

void import_slice(NodeImport& node) {
  SliceLists lists;
  if (node.opset() < 10) {
    lists = {node.integers("starts"), node.integers("ends"), node.integers("axes"), {}};
  } else {
    const auto list = [&](int i, const char* what) {
      return node.has_input(i) ? integers(node.constant(i, what)) : std::vector<int64_t>{};
    };
    lists = {list(1, "starts"), list(2, "ends"), list(3, "axes"), list(4, "steps")};
  }
  slice(node, 0, slice_ranges(node.input(0).dims, lists), node.name());
}

void import_split(NodeImport& node) {
  const Operand& x = node.input(0);
  const int axis = normal_axis(node.integer("axis", 0), x.rank());
  int64_t start = 0;
  int part = 0;
  for (const int64_t extent : split_extents(node, x.dims[static_cast<size_t>(axis)], node.integers_from(1, "split"))) {
    slice(node, part, {{axis, start, 1, extent}}, node.output_name(part));
    start += extent;
    ++part;
  }
}

// Values side by side on the last axis of the network.
Value side_by_side(NodeImport& node, std::vector<Value> values) {
  if (values.size() == 1) return values[0];
  if (values[0].shape().rank() > 1) return node.add("concatenate", {}, values);
  int64_t sum = 0;
  for (Value& value : values) {
    sum += value.shape()[0];
    value = node.network().reshape(value.name() + ".row", value, {1, value.shape()[0]});
  }
  return node.network().reshape(node.name(), node.step("row", "concatenate", {}, values), {sum});
}

void import_concat(NodeImport& node) {
  require(node.inputs() > 0, "takes at least one input");
  std::vector<int64_t> dims = node.input(0).dims;
  const int axis = normal_axis(node.integer("axis", 1), std::ssize(dims));
  Order order = plain_order(static_cast<int>(dims.size()));
  for (int i = node.inputs(); i-- > 0;) {
    if (!node.input(i).is_constant()) order = node.input(i).order();
  }
  std::erase(order, axis);
  order.push_back(axis);
  std::vector<Value> values;
  dims[static_cast<size_t>(axis)] = 0;
  for (int i = 0; i < node.inputs(); ++i) {
    Operand& x = node.input(i);
    require(x.rank() == static_cast<int>(dims.size()), "inputs must have the same rank");
    dims[static_cast<size_t>(axis)] += x.dims[static_cast<size_t>(axis)];
    if (Shape(x.dims).elements() > 0) values.push_back(node.network().in_order(x, order));
  }
  require(!values.empty(), "there is nothing to join");
  node.output(0, dims, order, side_by_side(node, std::move(values)));
}

// Repetition along one axis after the other.
void import_tile(NodeImport& node) {
  Operand& x = node.input(0);
  const std::vector<int64_t>& repeats = integers(node.constant(1, "repeats"));
  require(repeats.size() == x.dims.size(), "{} repeats for {}", repeats.size(), to_string(Shape(x.dims)));
  Operand tiled = x;
  for (int axis = 0; axis < x.rank(); ++axis) {
    const int64_t count = repeats[static_cast<size_t>(axis)];
    require(count >= 1 && count <= 1024, "{} repeats are not supported", count);
    if (count == 1) continue;
    Order order = tiled.order();
    std::erase(order, axis);
    order.push_back(axis);
    const Value part = node.network().in_order(tiled, order);
    tiled.dims[static_cast<size_t>(axis)] *= count;
    tiled.values = {{order, side_by_side(node, std::vector<Value>(static_cast<size_t>(count), part))}};
  }
  node.alias(0, tiled);
}

// Broadcast to a shape: the value plus zeros of that shape.
void import_expand(NodeImport& node) {
  Operand& x = node.input(0);
  const std::vector<int64_t> dims = broadcast_dims(x.dims, integers(node.constant(1, "shape")));
  if (dims == x.dims) return node.alias(0, x);
  const Shape shape(dims);
  if (shape.elements() == 0) return node.output(0, make_array(x.type, shape));
  require(shape.elements() <= int64_t{1} << 24, "a constant of {} elements is too large", shape.elements());
  const Order order = x.rank() == shape.rank() ? x.order() : plain_order(shape.rank());
  Operand zeros{.name = node.name() + ".zeros", .type = x.type, .dims = dims};
  zeros.constant = std::make_shared<OnnxArray>(make_array(DType::f32, shape));
  const Value whole = node.network().in_order(zeros, order);
  node.output(0, dims, order, node.add("add", {}, {node.network().broadcast(x, order), whole}));
}

// Elements of an axis by constant or computed whole numbers.
void import_gather(NodeImport& node) {
  Operand& x = node.input(0);
  Operand& indices = node.input(1);
  const int axis = normal_axis(node.integer("axis", 0), x.rank());
  const int64_t extent = x.dims[static_cast<size_t>(axis)];
  std::vector<int64_t> dims = x.dims;
  dims.erase(dims.begin() + axis);
  dims.insert(dims.begin() + axis, indices.dims.begin(), indices.dims.end());
  Value in;
  if (indices.is_constant() && indices.constant->size() == 1) {
    const int64_t index = integers(*indices.constant)[0];
    require(index >= -extent && index < extent, "index {} of {}", index, extent);
    const SliceRange one{axis, index < 0 ? index + extent : index, 1, 1};
    in = node.step("slice", "slice", slice_attributes(plain_order(x.rank()), {one}), {node.network().plain(x)});
    return node.output(0, dims, plain_order(static_cast<int>(std::ssize(dims))),
                       node.network().reshape(node.name(), in, dims));
  }
  if (indices.is_constant()) {
    for (const int64_t index : integers(*indices.constant)) {
      require(index >= -extent && index < extent, "index {} of {}", index, extent);
    }
  }
  const Value y =
      node.add("gather", {{"axis", int64_t{axis}}}, {node.network().plain(x), node.network().plain(indices)});
  node.output(0, dims, plain_order(static_cast<int>(std::ssize(dims))),
              node.network().reshape(node.name() + ".shape", y, dims));
}

PadSides read_pads(NodeImport& node) {
  const int rank = node.input(0).rank();
  const char* const old = node.has("paddings") ? "paddings" : "pads";
  const std::vector<int64_t> pads = node.opset() < 11 ? node.integers(old) : integers(node.constant(1, "pads"));
  std::vector<int64_t> axes;
  if (node.has_input(3)) axes = integers(node.constant(3, "axes"));
  if (axes.empty()) {
    for (int axis = 0; axis < rank; ++axis) axes.push_back(axis);
  }
  require(pads.size() == 2 * axes.size(), "{} pads for {} axes", pads.size(), axes.size());
  PadSides sides;
  for (size_t i = 0; i < axes.size(); ++i) {
    const int64_t before = pads[i], after = pads[i + axes.size()];
    constexpr int64_t most = int64_t{1} << 24;
    require(before >= -most && before <= most && after >= -most && after <= most, "pads of {} and {}", before, after);
    if (before == 0 && after == 0) continue;
    sides.axes.push_back(normal_axis(axes[i], rank));
    sides.before.push_back(before);
    sides.after.push_back(after);
  }
  return sides;
}

void import_pad(NodeImport& node) {
  Operand& x = node.input(0);
  PadSides sides = read_pads(node);
  if (sides.axes.empty()) return node.alias(0, x);
  const double value = node.opset() < 11   ? node.number("value", 0)
                       : node.has_input(2) ? number(node.constant(2, "value"))
                                           : 0;
  const Order order = x.order();
  std::vector<int64_t> dims = x.dims;
  for (size_t i = 0; i < sides.axes.size(); ++i) {
    dims[static_cast<size_t>(sides.axes[i])] += sides.before[i] + sides.after[i];
    sides.axes[i] = place(order, static_cast<int>(sides.axes[i]));
  }
  const Attributes attributes = {{"axes", sides.axes},
                                 {"before", sides.before},
                                 {"after", sides.after},
                                 {"mode", node.text("mode", "constant")},
                                 {"value", value}};
  node.output(0, dims, order, node.add("pad", attributes, {node.network().in_order(x, order)}));
}

constexpr std::array imports = {
    OpImport{"Concat", import_concat, Layout::pointwise},
    OpImport{"ConstantOfShape", import_constant_of_shape, Layout::any, 0b1},
    OpImport{"Expand", import_expand, Layout::any, 0b10},
    OpImport{"Gather", import_gather},
    OpImport{"Pad", import_pad, Layout::pointwise, 0b1110},
    OpImport{"Slice", import_slice, Layout::any, 0b11110},
    OpImport{"Split", import_split, Layout::any, 0b10},
    OpImport{"Tile", import_tile, Layout::any, 0b10},
};

}  // namespace

std::span<const OpImport> part_imports() { return imports; }

}  // namespace fovea
