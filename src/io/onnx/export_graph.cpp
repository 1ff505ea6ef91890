#include "io/onnx/export_graph.h"

#include <algorithm>

#include "io/onnx/array.h"
#include "io/onnx/operand.h"
#include "ops/checks.h"

namespace fovea {

GraphExport::GraphExport(const Model& model, onnx::GraphProto& file) : model_(model), file_(file) {
  for (const Node& node : model.graph().nodes()) {
    if (!node.op || node.op->type() == "parameter") continue;  // the last is its own value
    for (const int p : node.parameters) parameters_.insert(model.graph().parameters()[static_cast<size_t>(p)].name);
  }
}

std::string GraphExport::name(int node, Lies lies) {
  node = source(node);
  if (!has_order(node)) write_parameter(node, lies);
  auto& names = names_[node];
  if (shape(node).rank() <= 2) return names.begin()->second;
  if (const auto found = names.find(lies); found != names.end()) return found->second;
  const bool last = lies == Lies::channels_last;
  std::string name = model_.graph().node(node).name + (last ? ".nhwc" : ".nchw");
  const Order order = channels_last_order(shape(node).rank());
  std::vector<int64_t> perm(order.begin(), order.end());
  if (!last) {
    const Order back = inverse(order);
    perm.assign(back.begin(), back.end());
  }
  set(add("Transpose", name, {names.begin()->second}), "perm", perm);
  names[lies] = name;
  return name;
}

void GraphExport::same(int node, int as) { same_[node] = source(as); }

void GraphExport::leave(int node) {
  computed_.erase(node);
  names_.erase(node);
}

// A learned value is an initialiser, a constant one a node.
void GraphExport::write_parameter(int node, Lies lies) {
  const Node& parameter = model_.graph().node(node);
  const Tensor& stored = model_.parameters()[static_cast<size_t>(parameter.parameters[0])];
  OnnxArray array{.type = DType::f32, .shape = stored.shape(), .floats = stored};
  if (lies == Lies::channels_first) array = permuted(array, inverse(channels_last_order(stored.shape().rank())));
  const std::vector<int64_t> dims(array.shape.dims().begin(), array.shape.dims().end());
  const std::string& name = model_.graph().parameters()[static_cast<size_t>(parameter.parameters[0])].name;
  computed_[node] = lies;
  names_[node] = {{lies, name}};
  if (std::get<bool>(parameter.op->attributes().at("trainable"))) {
    initializer(name, array.floats, dims);
    return;
  }
  onnx::AttributeProto& attribute = *add("Constant", name, {}).add_attribute();
  attribute.set_name("value");
  attribute.set_type(onnx::AttributeProto::TENSOR);
  attribute.mutable_t()->set_data_type(onnx::TensorProto::FLOAT);
  for (const int64_t dim : dims) attribute.mutable_t()->add_dims(dim);
  const auto bytes = static_cast<size_t>(array.size()) * sizeof(float);
  attribute.mutable_t()->set_raw_data(array.floats.data(), bytes);
}

void GraphExport::computed(int node, Lies lies) {
  computed_[node] = lies;
  names_[node] = {{lies, output_name(model_.graph().node(node).name)}};
}

onnx::NodeProto& GraphExport::add(std::string_view op, const std::string& name,
                                  const std::vector<std::string>& inputs) {
  onnx::NodeProto& node = *file_.add_node();
  node.set_op_type(std::string(op));
  node.set_name(name);
  for (const std::string& input : inputs) node.add_input(input);
  node.add_output(output_name(name));
  return node;
}

onnx::TensorProto& GraphExport::array(const std::string& name) {
  onnx::TensorProto& tensor = *file_.add_initializer();
  tensor.set_name(name);
  return tensor;
}

std::string GraphExport::initializer(const std::string& name, const Tensor& values, const std::vector<int64_t>& dims) {
  onnx::TensorProto& tensor = array(name);
  tensor.set_data_type(onnx::TensorProto::FLOAT);
  for (const int64_t dim : dims) tensor.add_dims(dim);
  tensor.set_raw_data(values.data(), static_cast<size_t>(values.size()) * sizeof(float));
  return name;
}

std::string GraphExport::integers(const std::string& name, const std::vector<int64_t>& values) {
  return integers(name, values, {std::ssize(values)});
}

std::string GraphExport::integers(const std::string& name, const std::vector<int64_t>& values,
                                  const std::vector<int64_t>& dims) {
  onnx::TensorProto& tensor = array(name);
  tensor.set_data_type(onnx::TensorProto::INT64);
  for (const int64_t dim : dims) tensor.add_dims(dim);
  tensor.set_raw_data(values.data(), values.size() * sizeof(int64_t));
  return name;
}

// A constant of a node, not an initialiser: nobody trains it.
std::string GraphExport::number(const std::string& name, double value) {
  onnx::AttributeProto& attribute = *add("Constant", name, {}).add_attribute();
  attribute.set_name("value");
  attribute.set_type(onnx::AttributeProto::TENSOR);
  attribute.mutable_t()->set_data_type(onnx::TensorProto::FLOAT);
  const auto single = static_cast<float>(value);
  attribute.mutable_t()->set_raw_data(&single, sizeof(single));
  return name;
}

double NodeExport::real(const char* name) const {
  const Attribute& attribute = attributes_.at(name);
  const auto* const whole = std::get_if<int64_t>(&attribute);
  return whole != nullptr ? static_cast<double>(*whole) : std::get<double>(attribute);
}

const Tensor& NodeExport::parameter(size_t i) const {
  return file_.model().parameters()[static_cast<size_t>(node_.parameters[i])];
}

std::string NodeExport::parameter_name(size_t i) const {
  return file_.model().graph().parameters()[static_cast<size_t>(node_.parameters[i])].name;
}

std::string NodeExport::initializer(size_t i) {
  const auto dims = parameter(i).shape().dims();
  return initializer(i, {dims.begin(), dims.end()});
}

std::string NodeExport::initializer(size_t i, const std::vector<int64_t>& dims) {
  return file_.initializer(parameter_name(i), parameter(i), dims);
}

onnx::NodeProto& NodeExport::add(std::string_view op, const std::vector<std::string>& inputs, Lies lies) {
  file_.computed(index_, lies);
  return file_.add(op, node_.name, inputs);
}

std::string NodeExport::add_step(const std::string& suffix, std::string_view op, const std::vector<std::string>& inputs,
                                 onnx::NodeProto** proto) {
  onnx::NodeProto& added = file_.add(op, step(suffix), inputs);
  if (proto != nullptr) *proto = &added;
  return step(suffix);
}

void set(onnx::NodeProto& node, const char* name, int64_t value) {
  onnx::AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::INT);
  attribute.set_i(value);
}

void set(onnx::NodeProto& node, const char* name, double value) {
  onnx::AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::FLOAT);
  attribute.set_f(static_cast<float>(value));
}

void set(onnx::NodeProto& node, const char* name, const std::string& value) {
  onnx::AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::STRING);
  attribute.set_s(value);
}

void set(onnx::NodeProto& node, const char* name, const std::vector<int64_t>& values) {
  onnx::AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::INTS);
  for (const int64_t value : values) attribute.add_ints(value);
}

int64_t file_axis(int64_t axis, int rank, Lies lies) {
  if (axis < 0) axis += rank;
  if (rank <= 2 || lies == Lies::channels_last) return axis;
  return channels_last_order(rank)[static_cast<size_t>(axis)];
}

}  // namespace fovea
