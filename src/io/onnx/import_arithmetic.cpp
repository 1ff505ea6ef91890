// Functions of several values, with NumPy's broadcasting.
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "io/onnx/array.h"
#include "io/onnx/evaluate.h"
#include "io/onnx/op_imports.h"
#include "ops/checks.h"

namespace fovea {

namespace {

// The dims that all inputs broadcast to.
std::vector<int64_t> joint_dims(NodeImport& node) {
  require(node.inputs() > 0, "takes at least one input");
  std::vector<int64_t> dims = node.input(0).dims;
  for (int i = 1; i < node.inputs(); ++i) dims = broadcast_dims(dims, node.input(i).dims);
  return dims;
}

// The order to compute in: channels last if one of the largest inputs lies so, else that of the first of them.
Order joint_order(NodeImport& node, int rank) {
  std::optional<Order> order;
  for (int i = 0; i < node.inputs(); ++i) {
    const Operand& x = node.input(i);
    if (x.is_constant() || x.rank() != rank) continue;
    if (!order || x.order() == channels_last_order(rank)) order = x.order();
  }
  return order.value_or(plain_order(rank));
}

// Before opset 7 the second input could be told to start at an axis of the first.
void apply_old_broadcast(NodeImport& node) {
  if (node.opset() >= 7 || node.inputs() != 2 || !node.has("axis")) return;
  Operand& b = node.input(1);
  const int after = node.input(0).rank() - normal_axis(node.integer("axis"), node.input(0).rank()) - b.rank();
  if (after <= 0) return;
  require(b.is_constant(), "broadcasting of a computed value at an axis in the middle is not supported");
  b.dims.insert(b.dims.end(), static_cast<size_t>(after), 1);
  b.constant = std::make_shared<OnnxArray>(with_shape(*b.constant, Shape(b.dims)));
}

// Two at a time; the last step bears the node's name.
Value folded(NodeImport& node, std::string_view op, const Order& order) {
  Value sum = node.network().broadcast(node.input(0), order);
  for (int i = 1; i < node.inputs(); ++i) {
    const Value next = node.network().broadcast(node.input(i), order);
    sum = i + 1 < node.inputs() ? node.step("part", op, {}, {sum, next}) : node.add(op, {}, {sum, next});
  }
  return sum;
}

bool is_float(DType type) { return type <= DType::bf16; }

void import_folded(NodeImport& node, std::string_view op) {
  apply_old_broadcast(node);
  const std::vector<int64_t> dims = joint_dims(node);
  const Order order = joint_order(node, static_cast<int>(dims.size()));
  node.output(0, dims, order, folded(node, op, order));
}

bool is_number(const OnnxArray* array, double value) {
  return array != nullptr && array->is_float() && array->size() == 1 && std::abs(array->floats[0] - value) < 1e-6;
}

// The nodes that make x (1 + erf(x / sqrt 2)) / 2 of this division by sqrt 2; none if it is not that.
std::vector<const onnx::NodeProto*> gelu_chain(NodeImport& node) {
  const std::string& x = node.input_name(0);
  if (node.inputs() != 2 || !node.input(1).is_constant()) return {};
  if (!is_number(node.input(1).constant.get(), 1.4142135623730951)) return {};
  const onnx::NodeProto* const erf = node.sole_reader(node.output_name(0), "Erf");
  const onnx::NodeProto* const sum = erf != nullptr ? node.sole_reader(erf->output(0), "Add") : nullptr;
  if (sum == nullptr || !is_number(node.constant_beside(*sum, erf->output(0)), 1)) return {};
  const onnx::NodeProto* const product = node.sole_reader(sum->output(0), "Mul");
  if (product == nullptr || product->input_size() != 2 || (product->input(0) != x && product->input(1) != x)) return {};
  const onnx::NodeProto* const half = node.sole_reader(product->output(0), "Mul");
  if (half == nullptr || !is_number(node.constant_beside(*half, product->output(0)), 0.5)) return {};
  return {erf, sum, product, half};
}

// A learned scale of each channel, the last axis of x; nothing if it is not that.
std::optional<Value> as_scale(NodeImport& node, const std::vector<int64_t>& dims) {
  if (node.inputs() != 2 || node.input(0).is_constant() == node.input(1).is_constant()) return std::nullopt;
  const int at = node.input(0).is_constant() ? 0 : 1;
  Operand& weight = node.input(at);
  Operand& x = node.input(1 - at);
  if (!weight.trainable || x.rank() < 2 || x.dims != dims || weight.constant->size() < 2) return std::nullopt;
  const Order order = x.order();
  const int axis = order.back() - (x.rank() - weight.rank());  // in the weight's own dims
  if (axis < 0 || weight.dims[static_cast<size_t>(axis)] != weight.constant->size() ||
      weight.constant->size() != x.dims[static_cast<size_t>(order.back())]) {
    return std::nullopt;
  }
  std::vector<int64_t> shape(static_cast<size_t>(x.rank() - 1), 1);
  shape.front() = weight.constant->size();
  std::vector<Weight> weights;
  weights.push_back(node.weight(at, Shape(shape)));
  const Value y = node.add("scale", {{"initial", 1.0}}, {node.network().in_order(x, order)}, std::move(weights));
  node.output(0, dims, order, y);
  return y;
}

void import_add(NodeImport& node) { import_folded(node, "add"); }
void import_sub(NodeImport& node) { import_folded(node, "subtract"); }
void import_mul(NodeImport& node) {
  apply_old_broadcast(node);
  if (!as_scale(node, joint_dims(node))) import_folded(node, "multiply");
}
void import_min(NodeImport& node) { import_folded(node, "minimum"); }
void import_max(NodeImport& node) { import_folded(node, "maximum"); }

// floor(a / b) of whole numbers from 0 up, as round(a / b - (b - 1) / (2 b)): outputs are rounded.
void import_whole_division(NodeImport& node) {
  const DType type = node.input(0).type;
  const bool from_zero = type == DType::u8 || type == DType::u16 || type == DType::u32 || type == DType::u64;
  require(from_zero && node.network().last_reader.count(node.output_name(0)) == 0,
          "division of whole numbers is only supported without sign, as an output");
  const std::vector<int64_t> dims = joint_dims(node);
  const Order order = joint_order(node, static_cast<int>(dims.size()));
  const Value a = node.network().broadcast(node.input(0), order);
  const Value b = node.network().broadcast(node.input(1), order);
  const int rank = b.shape().rank();
  const Value less = node.step("less", "subtract", {}, {b, node.number_node("one", 1, rank)});
  const Value half = node.step("half", "multiply", {}, {less, node.number_node("share", 0.5, rank)});
  node.output(0, dims, order, node.add("divide", {}, {node.step("shifted", "subtract", {}, {a, half}), b}));
}

void import_div(NodeImport& node) {
  if (const auto chain = gelu_chain(node); !chain.empty()) {
    Operand& x = node.input(0);
    node.merge(chain);
    return node.output(0, x.dims, x.order(), node.add("gelu", {}, {node.network().in_order(x, x.order())}));
  }
  if (is_float(node.input(0).type)) return import_folded(node, "divide");
  import_whole_division(node);
}

// base^exponent: one number for all, or e^(exponent log base)
void import_pow(NodeImport& node) {
  const std::vector<int64_t> dims = joint_dims(node);
  const Order order = joint_order(node, static_cast<int>(dims.size()));
  const Operand& exponent = node.input(1);
  const Value base = node.network().broadcast(node.input(0), order);
  if (exponent.is_constant() && exponent.constant->size() == 1) {
    return node.output(0, dims, order, node.add("power", {{"exponent", number(*exponent.constant)}}, {base}));
  }
  const Value log = node.step("log", "log", {}, {base});
  const Value product = node.step("product", "multiply", {}, {log, node.network().broadcast(node.input(1), order)});
  node.output(0, dims, order, node.add("exp", {}, {product}));
}

void import_mean(NodeImport& node) {
  const std::vector<int64_t> dims = joint_dims(node);
  const int rank = static_cast<int>(dims.size());
  const Order order = joint_order(node, rank);
  Value sum = node.network().broadcast(node.input(0), order);
  for (int i = 1; i < node.inputs(); ++i) {
    sum = node.step("sum", "add", {}, {sum, node.network().broadcast(node.input(i), order)});
  }
  if (node.inputs() > 1) {
    sum = node.add("multiply", {}, {sum, node.number_node("share", 1.0 / node.inputs(), sum.shape().rank())});
  }
  node.output(0, dims, order, sum);
}

constexpr std::array imports = {
    OpImport{"Add", import_add, Layout::pointwise}, OpImport{"Div", import_div, Layout::pointwise},
    OpImport{"Max", import_max, Layout::pointwise}, OpImport{"Mean", import_mean, Layout::pointwise},
    OpImport{"Min", import_min, Layout::pointwise}, OpImport{"Mul", import_mul, Layout::pointwise},
    OpImport{"Pow", import_pow, Layout::pointwise}, OpImport{"Sub", import_sub, Layout::pointwise},
    OpImport{"Sum", import_add, Layout::pointwise},
};

}  // namespace

std::span<const OpImport> arithmetic_imports() { return imports; }

}  // namespace fovea
