// Numbers as small whole ones and back: whole = saturate(round(x / scale) + zero point). The network holds the whole
// numbers as float32 and computes with those that they stand for.
#include <algorithm>
#include <array>

#include "io/onnx/array.h"
#include "io/onnx/evaluate.h"
#include "io/onnx/op_imports.h"
#include "io/onnx/types.h"
#include "ops/checks.h"

namespace fovea {

namespace {

// A constant for all of x, or one for each place on the node's axis.
Value along_axis(NodeImport& node, int i, const char* suffix, const Order& order) {
  const OnnxArray& given = node.constant(i, suffix);
  const int64_t count = quantized_parts(node, given, node.input(0).dims);
  if (count == 1) return node.number_node(suffix, number(given), static_cast<int>(order.size()));
  const int axis = normal_axis(node.integer("axis", 1), std::ssize(order));
  std::vector<int64_t> dims(order.size(), 1);
  dims[static_cast<size_t>(place(order, axis))] = count;
  const std::string name = node.name() + "." + suffix;
  std::vector<Weight> weights;
  weights.push_back({name, to_floats(given, Shape(dims))});
  return node.network().add(name, "parameter", {{"shape", dims}, {"trainable", false}}, {}, std::move(weights));
}

// Whether there is a zero point that is not zero everywhere.
bool is_shifted(NodeImport& node) {
  if (!node.has_input(2)) return false;
  const std::vector<int64_t>& points = integers(node.constant(2, "zero point"));
  return std::ranges::any_of(points, [](int64_t point) { return point != 0; });
}

void import_quantize(NodeImport& node) {
  const Operand& x = node.input(0);
  const Order order = x.order();
  const DType type = quantized_type(node, node.has_input(2) ? &node.constant(2, "zero point") : nullptr);
  const auto [low, high] = quantized_limits(type);
  const Value in = node.network().in_order(node.input(0), order);
  Value y =
      node.step("round", "round", {}, {node.step("steps", "divide", {}, {in, along_axis(node, 1, "scale", order)})});
  if (is_shifted(node)) y = node.step("shifted", "add", {}, {y, along_axis(node, 2, "zero_point", order)});
  y = node.add("clip", {{"low", static_cast<double>(low)}, {"high", static_cast<double>(high)}}, {y});
  node.output(0, x.dims, order, y, type);
}

void import_dequantize(NodeImport& node) {
  const Operand& x = node.input(0);
  const Order order = x.order();
  Value y = node.network().in_order(node.input(0), order);
  if (is_shifted(node)) y = node.step("shifted", "subtract", {}, {y, along_axis(node, 2, "zero_point", order)});
  y = node.add("multiply", {}, {y, along_axis(node, 1, "scale", order)});
  node.output(0, x.dims, order, y, node.constant(1, "scale").type);
}

constexpr std::array imports = {
    OpImport{"DequantizeLinear", import_dequantize, Layout::pointwise, 0b110},
    OpImport{"QuantizeLinear", import_quantize, Layout::pointwise, 0b110},
};

}  // namespace

std::span<const OpImport> quantized_imports() { return imports; }

}  // namespace fovea
