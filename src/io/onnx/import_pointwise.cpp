// Functions of one value, element by element: whatever its order.
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "io/onnx/array.h"
#include "io/onnx/evaluate.h"
#include "io/onnx/op_imports.h"
#include "io/onnx/types.h"
#include "ops/checks.h"

namespace fovea {

namespace {

// A value in its own order, of a rank that the ops take.
Value own(NodeImport& node, int i = 0) {
  Operand& x = node.input(i);
  return node.network().in_order(x, x.order());
}

void output_like_input(NodeImport& node, Value value) {
  const Operand& x = node.input(0);
  node.output(0, x.dims, x.order(), value);
}

// ONNX operators that are one op here, without attributes.
constexpr std::array<std::pair<std::string_view, std::string_view>, 11> plain_ops = {{{"Abs", "abs"},
                                                                                      {"Exp", "exp"},
                                                                                      {"HardSwish", "hard_swish"},
                                                                                      {"Log", "log"},
                                                                                      {"Mish", "mish"},
                                                                                      {"Neg", "negate"},
                                                                                      {"Relu", "relu"},
                                                                                      {"Round", "round"},
                                                                                      {"Softplus", "softplus"},
                                                                                      {"Sqrt", "sqrt"},
                                                                                      {"Tanh", "tanh"}}};

void import_plain(NodeImport& node) {
  const auto found = std::ranges::find(plain_ops, node.op(), &std::pair<std::string_view, std::string_view>::first);
  output_like_input(node, node.add(found->second, {}, {own(node)}));
}

// Whether the node's value only gates its own input, x f(x); then the product is merged with it.
bool gates_itself(NodeImport& node) {
  const std::string& x = node.input_name(0);
  const std::string& gate = node.output_name(0);
  const onnx::NodeProto* const product = node.sole_reader(gate, "Mul");
  const bool gates =
      product != nullptr && product->input_size() == 2 &&
      ((product->input(0) == x && product->input(1) == gate) || (product->input(1) == x && product->input(0) == gate));
  if (gates) node.merge({product});
  return gates;
}

// x sigmoid(x) is SiLU.
void import_sigmoid(NodeImport& node) {
  const Value x = own(node);
  output_like_input(node, node.add(gates_itself(node) ? "silu" : "sigmoid", {}, {x}));
}

void import_elu(NodeImport& node) {
  output_like_input(node, node.add("elu", {{"alpha", node.number("alpha", 1)}}, {own(node)}));
}

void import_leaky_relu(NodeImport& node) {
  output_like_input(node, node.add("leaky_relu", {{"alpha", node.number("alpha", 0.01)}}, {own(node)}));
}

Value scaled(NodeImport& node, const char* suffix, Value x, double factor) {
  return node.step(suffix, "multiply", {}, {x, node.number_node("factor", factor, x.shape().rank())});
}

// Between two limits, of which one may be missing.
Value clipped(NodeImport& node, Value x, std::optional<double> low, std::optional<double> high) {
  if (low && high && *low <= *high) return node.add("clip", {{"low", *low}, {"high", *high}}, {x});
  const int rank = x.shape().rank();
  if (low && high) x = node.step("low", "maximum", {}, {x, node.number_node("min", *low, rank)});
  if (high) return node.add("minimum", {}, {x, node.number_node("max", *high, rank)});
  return node.add("maximum", {}, {x, node.number_node("min", *low, rank)});
}

// max(0, min(1, alpha x + beta))
void import_hard_sigmoid(NodeImport& node) {
  const double alpha = node.number("alpha", 0.2);
  const double beta = node.number("beta", 0.5);
  Value x = own(node);
  if (std::fabs(alpha - 1.0 / 6) < 1e-6 && beta == 0.5) {
    return output_like_input(node, node.add(gates_itself(node) ? "hard_swish" : "hard_sigmoid", {}, {x}));
  }
  x = scaled(node, "slope", x, alpha);
  x = node.step("shift", "add", {}, {x, node.number_node("offset", beta, x.shape().rank())});
  output_like_input(node, clipped(node, x, 0, 1));
}

// gamma (x > 0 ? x : alpha (e^x - 1))
void import_selu(NodeImport& node) {
  if (!node.has("alpha") && !node.has("gamma")) return output_like_input(node, node.add("selu", {}, {own(node)}));
  const Value elu = node.step("elu", "elu", {{"alpha", node.number("alpha", 1.67326319217681884765625)}}, {own(node)});
  const double gamma = node.number("gamma", 1.05070102214813232421875);
  output_like_input(node, node.add("multiply", {}, {elu, node.number_node("gamma", gamma, elu.shape().rank())}));
}

// max(0, x) + min(0, alpha (e^(x / alpha) - 1)), an ELU of x / alpha times alpha
void import_celu(NodeImport& node) {
  const double alpha = node.number("alpha", 1);
  require(alpha != 0, "alpha must not be 0");
  const Value x = scaled(node, "slope", own(node), 1 / alpha);
  const Value elu = node.step("elu", "elu", {{"alpha", 1.0}}, {x});
  output_like_input(node, node.add("multiply", {}, {elu, node.number_node("alpha", alpha, x.shape().rank())}));
}

void import_reciprocal(NodeImport& node) {
  const Value x = own(node);
  output_like_input(node, node.add("divide", {}, {node.number_node("one", 1, x.shape().rank()), x}));
}

// x / (1 + |x|)
void import_softsign(NodeImport& node) {
  const Value x = own(node);
  const Value one = node.number_node("one", 1, x.shape().rank());
  const Value below = node.step("below", "add", {}, {node.step("abs", "abs", {}, {x}), one});
  output_like_input(node, node.add("divide", {}, {x, below}));
}

// x where it is above alpha, else 0: a very steep slope, cut off at 0 and 1, makes the step.
void import_thresholded_relu(NodeImport& node) {
  const Value x = own(node);
  const int rank = x.shape().rank();
  const Value above = node.step("above", "subtract", {}, {x, node.number_node("alpha", node.number("alpha", 1), rank)});
  const Value steep = node.step("steep", "multiply", {}, {above, node.number_node("slope", 1e30, rank)});
  const Value gate = node.step("gate", "clip", {{"low", 0.0}, {"high", 1.0}}, {steep});
  output_like_input(node, node.add("multiply", {}, {x, gate}));
}

// A slope for all, for each channel, or any that broadcasts.
void import_prelu(NodeImport& node) {
  Operand& x = node.input(0);
  const OnnxArray& slope = node.constant(1, "slope");
  const Order channels = channels_last_order(x.rank());
  const bool shared = slope.size() == 1;
  const int64_t width = x.rank() > 1 ? x.dims[1] : 0;
  const bool listed = slope.shape.rank() == 1 && (node.opset() < 7 || x.rank() == 2);
  const bool upright = slope.shape.rank() == x.rank() - 1 && slope.shape.rank() > 0 && slope.shape[0] == width;
  if (x.rank() > 1 && (shared || (slope.size() == width && (listed || upright)))) {
    const Order order = shared ? x.order() : channels;
    std::vector<Weight> weights;
    weights.push_back(node.weight(1, {shared ? 1 : width}));
    const Attributes attributes = {{"shared", shared}, {"initial", 0.25}};
    const Value y = node.add("prelu", attributes, {node.network().in_order(x, order)}, std::move(weights));
    return node.output(0, x.dims, order, y);
  }
  require(broadcast_dims(x.dims, node.input(1).dims) == x.dims, "a slope {} does not broadcast to {}",
          to_string(slope.shape), to_string(Shape(x.dims)));
  const Order order = x.order();
  const Value in = node.network().in_order(x, order);
  const Value positive = node.step("positive", "relu", {}, {in});
  const Value negative = node.step("negative", "subtract", {}, {in, positive});
  const Value bent = node.step("bent", "multiply", {}, {negative, node.network().broadcast(node.input(1), order)});
  node.output(0, x.dims, order, node.add("add", {}, {positive, bent}));
}

// A limit from input or attribute; nothing where there is none that could matter.
std::optional<double> limit(NodeImport& node, int i, const char* name) {
  if (node.opset() < 11) return node.has(name) ? std::optional(node.number(name, 0)) : std::nullopt;
  return node.has_input(i) ? std::optional(number(node.constant(i, name))) : std::nullopt;
}

void import_clip(NodeImport& node) {
  const std::optional<double> low = limit(node, 1, "min");
  const std::optional<double> high = limit(node, 2, "max");
  if (!low && !high) return node.alias(0, node.input(0));
  const Value x = own(node);
  const bool relu6 = low == 0.0 && high == 6.0;
  output_like_input(node, relu6 ? node.add("relu6", {}, {x}) : clipped(node, x, low, high));
}

void import_gelu(NodeImport& node) {
  require(node.text("approximate", "none") == "none", "the approximation is not supported");
  output_like_input(node, node.add("gelu", {}, {own(node)}));
}

void import_identity(NodeImport& node) { node.alias(0, node.input(0)); }

// Between numbers with a point, which are all float32 here; whole numbers to any.
void cast_to(NodeImport& node, DType type) {
  const Operand& x = node.input(0);
  const auto is_float = [](DType t) { return t <= DType::bf16; };
  require(is_float(type) || (!is_float(x.type) && type != DType::boolean), "{} of a computed value to {}",
          to_string(x.type), to_string(type));
  Operand result = x;
  result.type = type;
  node.alias(0, result);
}

void import_cast(NodeImport& node) { cast_to(node, dtype_of(static_cast<int32_t>(node.integer("to")))); }
void import_cast_like(NodeImport& node) { cast_to(node, node.input(1).type); }

constexpr std::array imports = {
    OpImport{"Abs", import_plain, Layout::pointwise},
    OpImport{"Cast", import_cast, Layout::pointwise},
    OpImport{"CastLike", import_cast_like, Layout::pointwise},
    OpImport{"Celu", import_celu, Layout::pointwise},
    OpImport{"Clip", import_clip, Layout::pointwise, 0b110},
    OpImport{"Elu", import_elu, Layout::pointwise},
    OpImport{"Exp", import_plain, Layout::pointwise},
    OpImport{"Gelu", import_gelu, Layout::pointwise},
    OpImport{"HardSigmoid", import_hard_sigmoid, Layout::pointwise},
    OpImport{"HardSwish", import_plain, Layout::pointwise},
    OpImport{"Identity", import_identity, Layout::pointwise},
    OpImport{"LeakyRelu", import_leaky_relu, Layout::pointwise},
    OpImport{"Log", import_plain, Layout::pointwise},
    OpImport{"Mish", import_plain, Layout::pointwise},
    OpImport{"Neg", import_plain, Layout::pointwise},
    OpImport{"PRelu", import_prelu, Layout::pointwise, 0b10},
    OpImport{"Reciprocal", import_reciprocal, Layout::pointwise},
    OpImport{"Relu", import_plain, Layout::pointwise},
    OpImport{"Round", import_plain, Layout::pointwise},
    OpImport{"Selu", import_selu, Layout::pointwise},
    OpImport{"Sigmoid", import_sigmoid, Layout::pointwise},
    OpImport{"Softplus", import_plain, Layout::pointwise},
    OpImport{"Softsign", import_softsign, Layout::pointwise},
    OpImport{"Sqrt", import_plain, Layout::pointwise},
    OpImport{"Tanh", import_plain, Layout::pointwise},
    OpImport{"ThresholdedRelu", import_thresholded_relu, Layout::pointwise},
};

}  // namespace

std::span<const OpImport> pointwise_imports() { return imports; }

}  // namespace fovea
