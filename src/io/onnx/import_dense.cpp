// Matrix products with weights: dense layers.
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <array>
#include <optional>

#include "io/onnx/array.h"
#include "io/onnx/op_imports.h"
#include "ops/checks.h"

namespace fovea {

namespace {

// A constant matrix {units, channels} from one that may lie the other way, times a factor.
Weight matrix(NodeImport& node, int i, bool turned, double factor) {
  const Shape shape = node.constant(i, "weights").shape;
  require(shape.rank() == 2, "a matrix is expected, got {}", to_string(shape));
  Weight weight;
  if (turned) {
    weight = node.weight(i, shape);
  } else {
    constexpr std::array order = {1, 0};
    weight = {node.input(i).name, to_floats(permuted(node.constant(i, "weights"), order), {shape[1], shape[0]})};
  }
  if (factor != 1) {
    for (float& value : weight.tensor.values()) value *= static_cast<float>(factor);
  }
  return weight;
}

// Gemm's C as a bias {units}, if it is the same for all rows.
std::optional<Weight> bias_of(NodeImport& node, int64_t units, double factor) {
  if (!node.input(2).is_constant()) return std::nullopt;
  const OnnxArray& c = *node.input(2).constant;
  const bool row = c.size() == 1 || (c.size() == units && c.shape.back() == units);
  if (!row) return std::nullopt;
  Weight bias{node.input(2).name, Tensor({units})};
  const std::vector<double> values = numbers(c);
  for (int64_t i = 0; i < units; ++i) {
    bias.tensor[i] = static_cast<float>(factor * values[values.size() == 1 ? 0 : static_cast<size_t>(i)]);
  }
  return bias;
}

// alpha A B + beta C
void import_gemm(NodeImport& node) {
  Operand& a = node.input(0);
  require(a.rank() == 2, "a matrix is expected, got {}", to_string(Shape(a.dims)));
  const Order order = node.integer("transA", 0) != 0 ? Order{1, 0} : Order{0, 1};
  const Value x = node.network().in_order(a, order);
  Weight weight = matrix(node, 1, node.integer("transB", 0) != 0, node.number("alpha", 1));
  const int64_t units = weight.tensor.shape()[0];
  const double beta = node.number("beta", 1);
  std::optional<Weight> bias;
  if (node.has_input(2)) bias = bias_of(node, units, beta);
  const bool separate = node.has_input(2) && !bias;
  std::vector<Weight> weights;
  weights.push_back(std::move(weight));
  if (bias) weights.push_back(std::move(*bias));
  const Attributes attributes = {{"units", units}, {"bias", bias.has_value()}};
  Value y = node.network().add(separate ? node.name() + ".product" : node.name(), "dense", attributes, {x},
                               std::move(weights));
  if (separate) {
    Value c = node.network().broadcast(node.input(2), plain_order(2));
    if (beta != 1) c = node.step("beta", "multiply", {}, {c, node.number_node("factor", beta, 2)});
    y = node.add("add", {}, {y, c});
  }
  node.output(0, {x.shape()[0], units}, plain_order(2), y);
}

// A sum with one constant for each unit that is all that reads the product: the bias of the layer.
std::optional<Weight> following_bias(NodeImport& node, int64_t units) {
  const std::string& product = node.output_name(0);
  const onnx::NodeProto* const sum = node.sole_reader(product, "Add");
  const OnnxArray* const bias = sum != nullptr ? node.constant_beside(*sum, product) : nullptr;
  if (bias == nullptr || !bias->is_float() || bias->shape != Shape{units}) return std::nullopt;
  node.merge({sum});
  return Weight{sum->input(sum->input(0) == product ? 1 : 0), bias->floats};
}

// Of two computed values, or two stacks of matrices.
void import_matrix_product(NodeImport& node) {
  Operand& a = node.input(0);
  Operand& b = node.input(1);
  require(a.rank() >= 2 && a.rank() == b.rank(), "products of {} and {} are not supported", to_string(Shape(a.dims)),
          to_string(Shape(b.dims)));
  std::vector<int64_t> dims = a.dims;
  dims.back() = b.dims.back();
  const Value y = node.add("matrix_product", {}, {node.network().plain(a), node.network().plain(b)});
  node.output(0, dims, plain_order(a.rank()), y);
}

void import_matmul(NodeImport& node) {
  Operand& a = node.input(0);
  Operand& b = node.input(1);
  if (!b.is_constant() || b.rank() != 2 || a.rank() < 2) return import_matrix_product(node);
  Order order = a.order();
  if (order.back() != a.rank() - 1) order = plain_order(a.rank());
  const Value x = node.network().in_order(a, order);
  std::vector<Weight> weights;
  weights.push_back(matrix(node, 1, false, 1));
  const int64_t units = weights[0].tensor.shape()[0];
  std::vector<int64_t> dims = a.dims;
  dims.back() = units;
  std::optional<Weight> bias = following_bias(node, units);
  const Attributes attributes = {{"units", units}, {"bias", bias.has_value()}};
  if (bias) weights.push_back(std::move(*bias));
  node.output(0, dims, order, node.add("dense", attributes, {x}, std::move(weights)));
}

constexpr std::array imports = {
    OpImport{"Gemm", import_gemm, Layout::any, 0b110},
    OpImport{"MatMul", import_matmul},
};

}  // namespace

std::span<const OpImport> dense_imports() { return imports; }

}  // namespace fovea
