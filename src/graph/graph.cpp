#include "fovea/graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/saturate.h"
#include "core/suggest.h"
#include "fovea/error.h"

namespace fovea {

namespace {
int64_t positions(const Shape& shape) { return shape.elements() / shape.back(); }
}  // namespace

const Shape& Value::shape() const { return graph_->node(node_).shape; }
const std::string& Value::name() const { return graph_->node(node_).name; }

Scope Scope::operator/(std::string_view name) const {
  Scope inner = *this;
  inner.path_ = path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name);
  return inner;
}

Graph::Graph(std::deque<Node> nodes, std::vector<ParameterSpec> parameters, int output)
    : parameters_(std::move(parameters)) {
  for (Node& node : nodes) append(std::move(node));
  output_ = output;
}

Value Graph::input(const std::string& name, const Shape& sample) {
  if (contains(name)) throw Error(ErrorKind::format, fmt::format("node '{}': the name is taken", name));
  std::vector<int64_t> dims = {1};
  dims.insert(dims.end(), sample.dims().begin(), sample.dims().end());
  const Shape shape(dims);
  if (shape.elements() == 0) {
    throw Error(ErrorKind::format,
                fmt::format("input '{}': extents must be positive, got {}", name, to_string(sample)));
  }
  return append({name, nullptr, {}, {}, shape});
}

Value Graph::add(const std::string& name, std::shared_ptr<const Op> op, const std::vector<Value>& inputs) {
  Node node{name.empty() ? unique_name(*op, inputs) : name, std::move(op), {}, {}, {}};
  if (contains(node.name)) throw Error(ErrorKind::format, fmt::format("node '{}': the name is taken", node.name));
  std::vector<Shape> shapes;
  for (const Value& value : inputs) {
    if (&value.graph() != this) {
      throw Error(ErrorKind::usage, fmt::format("node '{}': an input belongs to another graph", node.name));
    }
    node.inputs.push_back(value.node());
    shapes.push_back(value.shape());
  }
  std::vector<ParameterSpec> specs;
  try {
    node.shape = node.op->infer(shapes);
    specs = node.op->parameters(shapes);
  } catch (const Error& error) {
    throw Error(error.kind(), fmt::format("node '{}' ({}): {}", node.name, node.op->type(), error.what()));
  }
  for (ParameterSpec& spec : specs) {
    spec.name = spec.name.empty() ? node.name : fmt::format("{}.{}", node.name, spec.name);
    node.parameters.push_back(static_cast<int>(parameters_.size()));
    parameters_.push_back(std::move(spec));
  }
  return append(std::move(node));
}

void Graph::add_auxiliary_output(Value value, double weight) {
  if (!std::isfinite(weight)) {
    throw Error(ErrorKind::usage,
                fmt::format("auxiliary output '{}': the weight must be finite, got {}", value.name(), weight));
  }
  auxiliary_.push_back({value.node(), weight});
}

Value Graph::append(Node node) {
  output_ = static_cast<int>(nodes_.size());
  index_.emplace(node.name, output_);
  nodes_.push_back(std::move(node));
  return {this, output_};
}

std::vector<int> Graph::inputs() const {
  std::vector<int> result;
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (!nodes_[i].op) result.push_back(static_cast<int>(i));
  }
  return result;
}

int Graph::find(std::string_view name) const {
  const auto found = index_.find(name);
  if (found != index_.end()) return found->second;
  std::vector<std::string> names;
  for (const Node& node : nodes_) names.push_back(node.name);
  throw Error(ErrorKind::usage, fmt::format("the network has no node '{}'{}", name, did_you_mean(name, names)));
}

std::string Graph::unique_name(const Op& op, const std::vector<Value>& inputs) const {
  std::string prefix;
  if (!inputs.empty()) {
    const std::string& beside = inputs.front().name();
    if (const size_t dot = beside.rfind('.'); dot != std::string::npos) prefix = beside.substr(0, dot + 1);
  }
  const std::string base = fmt::format("{}{}", prefix, op.type());
  std::string name = base;
  for (int count = 2; contains(name); ++count) name = fmt::format("{}_{}", base, count);
  return name;
}

Cost Graph::cost(int index) const {
  const Node& node = this->node(index);
  Cost cost;
  if (!node.op) return cost;
  for (const int parameter : node.parameters) {
    const ParameterSpec& spec = parameters_[static_cast<size_t>(parameter)];
    if (spec.trainable) cost.parameters += spec.shape.elements();
  }
  Signature shapes;
  for (const int input : node.inputs) shapes.inputs.push_back(this->node(input).shape);
  shapes.output = node.shape;
  cost.multiply_adds = node.op->multiply_adds(shapes);
  return cost;
}

Cost Graph::total_cost() const {
  Cost total;
  for (size_t i = 0; i < nodes_.size(); ++i) {
    const Cost cost = this->cost(static_cast<int>(i));
    total.parameters += cost.parameters;
    total.multiply_adds = saturating_add(total.multiply_adds, cost.multiply_adds);
  }
  return total;
}

ReceptiveField Graph::receptive_field(int index) const {
  return receptive_fields(static_cast<size_t>(index) + 1).back();
}

std::vector<ReceptiveField> Graph::receptive_fields() const { return receptive_fields(nodes_.size()); }

std::vector<ReceptiveField> Graph::receptive_fields(size_t count) const {
  std::vector<ReceptiveField> fields(count);  // a node's inputs come before it
  for (size_t i = 0; i < count; ++i) {
    const Node& node = nodes_[i];
    ReceptiveField& field = fields[i];
    if (!node.op) {
      const auto axes = static_cast<size_t>(std::max(0, node.shape.rank() - 2));
      field.extent.assign(axes, 1);
      field.jump.assign(axes, 1);
      continue;
    }
    for (const int input : node.inputs) {  // of several inputs the widest counts
      const ReceptiveField& other = fields[static_cast<size_t>(input)];
      field.whole = field.whole || other.whole;
      field.extent.resize(std::max(field.extent.size(), other.extent.size()), 1);
      field.jump.resize(field.extent.size(), 1);
      for (size_t axis = 0; axis < other.extent.size(); ++axis) {
        field.extent[axis] = std::max(field.extent[axis], other.extent[axis]);
        field.jump[axis] = std::max(field.jump[axis], other.jump[axis]);
      }
    }
    const Window window = node.op->window();
    field.whole =
        field.whole || (window.whole && !(positions(node.shape) > 1 &&
                                          positions(node.shape) == positions(this->node(node.inputs[0]).shape)));
    for (size_t axis = 0; axis < std::min(window.extent.size(), field.extent.size()); ++axis) {
      const int64_t added = saturating_product({window.extent[axis] - 1, field.jump[axis]});
      field.extent[axis] = saturating_add(field.extent[axis], added);
      field.jump[axis] = saturating_product({field.jump[axis], window.stride[axis]});
      if (!window.upsampling.empty()) field.jump[axis] = (field.jump[axis] - 1) / window.upsampling[axis] + 1;
    }
  }
  return fields;
}

}  // namespace fovea
