#include "io/onnx/graph_import.h"

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <numeric>

#include "core/text.h"
#include "fovea/op.h"
#include "io/onnx/array.h"
#include "io/parameter_names.h"
#include "ops/checks.h"

namespace fovea {

namespace {

constexpr size_t longest_name = 160;

std::vector<int64_t> in_order(const std::vector<int64_t>& dims, const Order& order) {
  std::vector<int64_t> result;
  for (const int axis : order) result.push_back(dims[static_cast<size_t>(axis)]);
  return result;
}

// The same with axes of extent 1 left out, except the first where it stands for the batch.
Order moving_axes(const std::vector<int64_t>& dims, const Order& order, bool batch) {
  Order moving;
  for (const int axis : order) {
    if (dims[static_cast<size_t>(axis)] != 1 || (batch && axis == 0)) moving.push_back(axis);
  }
  return moving;
}

}  // namespace

Order plain_order(int rank) {
  Order order(static_cast<size_t>(rank));
  std::iota(order.begin(), order.end(), 0);
  return order;
}

Order channels_last_order(int rank) {
  Order order = plain_order(rank);
  if (rank > 2) std::rotate(order.begin() + 1, order.begin() + 2, order.end());
  return order;
}

Order inverse(const Order& order) {
  Order result(order.size());
  for (size_t k = 0; k < order.size(); ++k) result[static_cast<size_t>(order[k])] = static_cast<int>(k);
  return result;
}

int place(const Order& order, int axis) { return static_cast<int>(std::ranges::find(order, axis) - order.begin()); }

Model GraphImport::finish() { return {with_parameter_names(graph, names_), std::move(parameters_)}; }

std::string GraphImport::free_name(const std::string& wanted) const {
  std::string base = printable(wanted).substr(0, longest_name);
  if (base.empty()) base = "node";
  std::string name = base;
  for (int count = 2; graph.contains(name); ++count) name = fmt::format("{}_{}", base, count);
  return name;
}

std::string GraphImport::free_parameter_name(const std::string& wanted) const {
  std::string base = printable(wanted).substr(0, longest_name);
  if (base.empty()) base = "weight";
  std::string name = base;
  for (int count = 2; parameter_names_.contains(name); ++count) name = fmt::format("{}_{}", base, count);
  return name;
}

Value GraphImport::add(const std::string& name, std::string_view op, const Attributes& attributes,
                       const std::vector<Value>& inputs, std::vector<Weight> weights) {
  const size_t before = graph.parameters().size();
  const Value value = graph.add(free_name(name), make_op(op, attributes), inputs);
  const size_t added = graph.parameters().size() - before;
  require(added == weights.size(), "{} takes {} weights, got {}", op, added, weights.size());
  for (size_t i = 0; i < added; ++i) {
    const Shape& wanted = graph.parameters()[before + i].shape;
    require(weights[i].tensor.shape() == wanted, "'{}' must be {}, got {}", printable(weights[i].name),
            to_string(wanted), to_string(weights[i].tensor.shape()));
    const std::string parameter = free_parameter_name(weights[i].name);
    parameter_names_.insert(parameter);
    names_.push_back(parameter);
    parameters_.push_back(std::move(weights[i].tensor));
  }
  return value;
}

Value GraphImport::add_input(const std::string& name, const std::vector<int64_t>& dims, const Order& order) {
  const std::vector<int64_t> extents = fovea::in_order(dims, order);
  const std::string node = free_name(name);
  if (!extents.empty() && extents[0] == 1) return graph.input(node, Shape(extents).without_batch());
  return reshape(node + ".batch", graph.input(node, Shape(extents)), extents);
}

Value GraphImport::reshape(const std::string& name, Value x, std::vector<int64_t> dims) {
  if (dims.empty()) dims.push_back(1);
  if (x.shape() == Shape(dims)) return x;
  if (any_batch && dims[0] == 1 && x.shape()[0] == 1) dims[0] = 0;
  return add(name, "reshape", {{"shape", dims}}, {x});
}

Value GraphImport::hold(Operand& x, const Order& order) {
  OnnxArray turned;
  const bool turn = order != plain_order(x.rank());
  if (turn) turned = permuted(*x.constant, order);
  const Shape shape = x.rank() == 0 ? Shape{1} : turn ? turned.shape : x.constant->shape;
  const std::vector<int64_t> dims(shape.dims().begin(), shape.dims().end());
  std::vector<Weight> weights;
  weights.push_back({x.name, turn ? to_floats(turned, shape) : take(x, shape)});
  return add(x.name, "parameter", {{"shape", dims}, {"trainable", x.trainable}}, {}, std::move(weights));
}

Value GraphImport::in_order(Operand& x, const Order& order) {
  for (const auto& [known, value] : x.values) {
    if (known == order) return value;
  }
  Value value;
  if (x.values.empty()) {
    require(x.is_constant(), "'{}' has no value", printable(x.name));
    value = hold(x, order);
  } else {
    const auto& [from, source] = x.values.front();
    if (moving_axes(x.dims, from, any_batch) == moving_axes(x.dims, order, any_batch)) {
      value = reshape(source.name() + ".reshape", source, fovea::in_order(x.dims, order));
    } else {
      std::vector<int64_t> axes;
      for (const int axis : order) axes.push_back(place(from, axis));
      const std::string name = x.turned_by.empty() ? source.name() + ".transpose" : x.turned_by;
      value = add(name, "transpose", {{"axes", axes}}, {source});
    }
  }
  x.values.emplace_back(order, value);
  return value;
}

Value GraphImport::broadcast(Operand& x, const Order& order) {
  const int missing = static_cast<int>(order.size()) - x.rank();
  require(missing >= 0, "{} does not broadcast to {} axes", to_string(Shape(x.dims)), order.size());
  if (missing == 0) return in_order(x, order);
  Operand padded{.name = x.name, .type = x.type, .dims = x.dims, .trainable = x.trainable};
  padded.dims.insert(padded.dims.begin(), static_cast<size_t>(missing), 1);
  if (x.is_constant()) {
    padded.constant = std::make_shared<OnnxArray>(*x.constant);
    padded.constant->shape = Shape(padded.dims);
    if (padded.constant->is_float()) padded.constant->floats = x.constant->floats.reshaped(Shape(padded.dims));
  } else {
    const auto& [from, source] = x.values.front();
    Order shifted = plain_order(missing);
    for (const int axis : from) shifted.push_back(axis + missing);
    const Value value = reshape(source.name() + ".broadcast", source, fovea::in_order(padded.dims, shifted));
    padded.values.emplace_back(shifted, value);
  }
  return in_order(padded, order);
}

Tensor GraphImport::take(Operand& x, const Shape& shape) {
  OnnxArray& array = *x.constant;
  if (array.is_float() && x.constant.use_count() == 1 && readers[x.name] <= 1 && array.floats.shape() == shape) {
    return std::move(array.floats);
  }
  return to_floats(array, shape);
}

const std::string& NodeImport::name() const {
  return end().name().empty() && end().output_size() > 0 ? end().output(0) : end().name();
}

Operand& NodeImport::input(int i) {
  require(has_input(i), "input {} is missing", i);
  const auto found = values_.find(proto().input(i));
  require(found != values_.end(), "input '{}' comes from nowhere", printable(proto().input(i)));
  return found->second;
}

const OnnxArray& NodeImport::constant(int i, const char* what) {
  const Operand& operand = input(i);
  require(operand.is_constant(), "the {} ('{}') must be known when the network is read", what, printable(operand.name));
  return *operand.constant;
}

std::vector<int64_t> NodeImport::integers_from(int i, const char* what) {
  return has_input(i) ? fovea::integers(constant(i, what)) : integers(what);
}

Value NodeImport::add(std::string_view op, const Attributes& attributes, const std::vector<Value>& inputs,
                      std::vector<Weight> weights) {
  return network_.add(name(), op, attributes, inputs, std::move(weights));
}

Value NodeImport::step(const char* suffix, std::string_view op, const Attributes& attributes,
                       const std::vector<Value>& inputs) {
  return network_.add(fmt::format("{}.{}", name(), suffix), op, attributes, inputs);
}

Value NodeImport::number_node(const char* suffix, double value, int rank) {
  const std::vector<int64_t> dims(static_cast<size_t>(std::max(rank, 1)), 1);
  Tensor tensor{Shape(dims)};
  tensor[0] = static_cast<float>(value);
  const std::string node = fmt::format("{}.{}", name(), suffix);
  std::vector<Weight> weights;
  weights.push_back({node, std::move(tensor)});
  return network_.add(node, "parameter", {{"shape", dims}, {"trainable", false}}, {}, std::move(weights));
}

Weight NodeImport::weight(int i, const Shape& shape) {
  constant(i, "weights");
  Operand& operand = input(i);
  require(operand.constant->size() == shape.elements(), "'{}' must have {} elements ({}), got {}",
          printable(operand.name), shape.elements(), to_string(shape), to_string(operand.constant->shape));
  return {operand.name, network_.take(operand, shape)};
}

void NodeImport::output(int i, std::vector<int64_t> dims, const Order& order, Value value, std::optional<DType> type) {
  if (!has_output(i)) return;
  const std::string& output = end().output(i);
  const DType as = type.value_or(has_input(0) ? input(0).type : DType::f32);
  values_[output] = {.name = output, .type = as, .dims = std::move(dims), .values = {{order, value}}};
}

const onnx::NodeProto* NodeImport::sole_reader(const std::string& output, std::string_view op) const {
  const auto count = network_.readers.find(output);
  const auto reader = network_.last_reader.find(output);
  if (count == network_.readers.end() || count->second != 1 || reader == network_.last_reader.end()) return nullptr;
  const onnx::NodeProto* const node = reader->second;
  return node->op_type() == op && node->output_size() > 0 ? node : nullptr;
}

const OnnxArray* NodeImport::constant_beside(const onnx::NodeProto& node, const std::string& x) const {
  if (node.input_size() != 2 || (node.input(0) == x) == (node.input(1) == x)) return nullptr;
  const auto found = values_.find(node.input(node.input(0) == x ? 1 : 0));
  return found != values_.end() ? found->second.constant.get() : nullptr;
}

void NodeImport::output(int i, OnnxArray constant) {
  if (!has_output(i)) return;
  const std::string& output = proto().output(i);
  std::vector<int64_t> dims(constant.shape.dims().begin(), constant.shape.dims().end());
  values_[output] = {.name = output,
                     .type = constant.type,
                     .dims = std::move(dims),
                     .constant = std::make_shared<OnnxArray>(std::move(constant))};
}

void NodeImport::alias(int i, const Operand& x) {
  if (has_output(i)) values_[proto().output(i)] = Operand(x);
}

}  // namespace fovea
