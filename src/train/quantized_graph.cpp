#include "train/quantized_graph.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "fovea/error.h"
#include "ops/folded.h"
#include "ops/tail.h"
#include "train/activation_ranges.h"

namespace fovea {

namespace {

constexpr int64_t most_weights = 32768;  // of a filter: see quantized_ops.h

bool has_type(const Node& node, std::string_view type) { return node.op && node.op->type() == type; }

// Ops whose output holds nothing but elements of their inputs, and which have kernels for bytes.
bool moves_bytes(const Node& node) { return has_type(node, "max_pool") || has_type(node, "concatenate"); }

}  // namespace

QuantizedGraph::QuantizedGraph(const Model& model) : model_(model) {
  find_layers();
  find_bytes();
  find_groups();
}

int QuantizedGraph::source(int value) const {
  while (node(value).op && node(value).op->is_identity(false) &&
         node(value).shape == node(node(value).inputs[0]).shape) {
    value = node(value).inputs[0];
  }
  return value;
}

void QuantizedGraph::find_layers() {
  const Graph& graph = model_.graph();
  const size_t count = graph.nodes().size();
  is_layer_.assign(count, false);
  folded_.assign(count, -1);
  folded_into_.assign(count, -1);
  std::vector<std::vector<int>> readers(count);
  for (size_t i = 0; i < count; ++i) {
    for (const int input : graph.nodes()[i].inputs) readers[static_cast<size_t>(input)].push_back(static_cast<int>(i));
  }
  for (size_t i = 0; i < count; ++i) {
    const Node& layer = graph.nodes()[i];
    if (!has_type(layer, "conv") && !has_type(layer, "dense")) continue;
    const Shape& weight = graph.parameters()[static_cast<size_t>(layer.parameters[0])].shape;
    if (weight.elements() / weight[0] > most_weights) {
      kept_.push_back(layer.name);
      continue;
    }
    is_layer_[i] = true;
    if (readers[i].size() != 1 || graph.output_node() == static_cast<int>(i)) continue;
    const int next = readers[i][0];
    if (!has_type(node(next), "batch_norm") && !has_type(node(next), "scale")) continue;
    folded_[i] = next;
    folded_into_[static_cast<size_t>(next)] = static_cast<int>(i);
  }
  if (std::ranges::count(is_layer_, true) == 0) {
    throw Error(ErrorKind::usage, "the network has no convolution or dense layer that could be quantised");
  }
}

// A layer reads bytes, and so does what moves them to it.
void QuantizedGraph::find_bytes() {
  const auto& nodes = model_.graph().nodes();
  is_bytes_.assign(nodes.size(), false);
  for (size_t i = nodes.size(); i-- > 0;) {
    const bool reads = is_layer_[i] || (moves_bytes(nodes[i]) && is_bytes_[i]);
    for (const int input : nodes[i].inputs) {
      if (reads) is_bytes_[static_cast<size_t>(source(input))] = true;
    }
  }
}

int QuantizedGraph::root(int value) const {
  while (leader_[static_cast<size_t>(value)] != value) value = leader_[static_cast<size_t>(value)];
  return value;
}

void QuantizedGraph::find_groups() {
  const auto& nodes = model_.graph().nodes();
  for (size_t i = 0; i < nodes.size(); ++i) leader_.push_back(static_cast<int>(i));
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (!moves_bytes(nodes[i]) || !is_bytes_[i]) continue;
    for (const int input : nodes[i].inputs)
      leader_[static_cast<size_t>(root(source(input)))] = root(static_cast<int>(i));
  }
  group_of_.assign(nodes.size(), -1);
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (!is_bytes_[i] || moves_bytes(nodes[i])) continue;
    int& group = group_of_[static_cast<size_t>(root(static_cast<int>(i)))];
    if (group < 0) {
      group = static_cast<int>(groups_.size());
      groups_.emplace_back();
    }
    groups_[static_cast<size_t>(group)].push_back(nodes[i].name);
  }
}

// Adds the network's nodes one after the other, in the form they have on bytes.
class QuantizedGraphBuilder {
 public:
  QuantizedGraphBuilder(const QuantizedGraph& plan, const std::vector<Quantization>& maps)
      : plan_(plan), maps_(maps), real_(plan.is_layer_.size()), bytes_(plan.is_layer_.size()) {}

  QuantizedModel build() {
    const Graph& graph = plan_.model_.graph();
    for (int i = 0; i < static_cast<int>(graph.nodes().size()); ++i) {
      if (plan_.source(i) == i && plan_.folded_into_[at(i)] < 0) add(i);
    }
    graph_.set_output(real(graph.output_node()));
    result_.model = Model(std::move(graph_), std::move(parameters_));
    result_.model.preprocessing = plan_.model_.preprocessing;
    result_.model.class_names = plan_.model_.class_names;
    result_.kept = plan_.kept_;
    return std::move(result_);
  }

 private:
  static size_t at(int i) { return static_cast<size_t>(i); }
  const Quantization& map(int value) const { return maps_[at(plan_.group_of_[at(plan_.root(plan_.source(value)))])]; }

  // The value of real numbers. One that lies in memory as bytes anyway is brought back from these.
  Value real(int value) {
    value = plan_.source(value);
    if (!plan_.is_bytes_[at(value)] || !plan_.node(value).op || value == plan_.model_.graph().output_node()) {
      return *real_[at(value)];
    }
    if (!restored_.contains(value)) restored_.emplace(value, dequantize(bytes(value), map(value)));
    return restored_.at(value);
  }
  Value bytes(int value) {
    value = plan_.source(value);
    std::optional<Value>& known = bytes_[at(value)];
    if (!known) known = quantize(*real_[at(value)], map(value));
    return *known;
  }

  void add(int i) {
    const Node& node = plan_.node(i);
    if (!node.op) {
      real_[at(i)] = graph_.input(node.name, node.shape.without_batch());
    } else if (plan_.is_layer_[at(i)]) {
      add_layer(i);
    } else if (moves_bytes(node) && plan_.is_bytes_[at(i)]) {
      std::vector<Value> inputs;
      for (const int input : node.inputs) inputs.push_back(bytes(input));
      bytes_[at(i)] = graph_.add(node.name, node.op, inputs);
      if (i == plan_.model_.graph().output_node()) real_[at(i)] = dequantize(*bytes_[at(i)], map(i));
    } else if (!add_shortcut(i)) {
      std::vector<Value> inputs;
      for (const int input : node.inputs) inputs.push_back(real(input));
      real_[at(i)] = graph_.add(node.name, node.op, inputs);
      for (const int parameter : node.parameters) parameters_.push_back(plan_.model_.parameters()[at(parameter)]);
    }
  }

  // A sum one of whose parts lies in memory as bytes.
  bool add_shortcut(int i) {
    const Node& node = plan_.node(i);
    if (!has_type(node, "add") || plan_.node(node.inputs[0]).shape != plan_.node(node.inputs[1]).shape) return false;
    for (const int shortcut : {1, 0}) {
      const int part = plan_.source(node.inputs[at(shortcut)]);
      if (!plan_.is_bytes_[at(part)] || !plan_.node(part).op) continue;
      const Value other = real(node.inputs[at(1 - shortcut)]);
      real_[at(i)] = graph_.add(node.name, make_add(map(part)), {other, bytes(part)});
      return true;
    }
    return false;
  }
  static std::shared_ptr<const Op> make_add(const Quantization& from) {
    return make_op("add_dequantized", with_map({}, from));
  }
  static Attributes with_map(Attributes attributes, const Quantization& from) {
    attributes["scale"] = static_cast<double>(from.scale);
    attributes["zero_point"] = int64_t{from.zero_point};
    return attributes;
  }

  void add_layer(int i) {
    const Node& node = plan_.node(i);
    const Quantization& from = map(node.inputs[0]);
    Attributes attributes = with_map(node.op->attributes(), from);
    attributes["bias"] = true;
    const auto op = make_op(has_type(node, "conv") ? "quantized_conv" : "quantized_dense", attributes);
    const Value y = graph_.add(node.name, op, {bytes(node.inputs[0])});
    real_[at(plan_.folded_[at(i)] < 0 ? i : plan_.folded_[at(i)])] = y;
    add_parameters(node, plan_.folded_[at(i)]);
    ++result_.layers;
  }

  void add_parameters(const Node& layer, int norm) {
    const Shape& shape = plan_.model_.parameters()[at(layer.parameters[0])].shape();
    const int64_t filters = shape[0];
    const int64_t size = shape.elements() / filters;
    const bool has_bias = layer.parameters.size() > 1;
    std::vector<const float*> values;
    Tail tail;
    const auto take = [&](const Node& node) {
      for (const int parameter : node.parameters) values.push_back(plan_.model_.parameters()[at(parameter)].data());
    };
    take(layer);
    if (norm >= 0) {
      take(plan_.node(norm));
      plan_.node(norm).op->join({}, tail);
    }
    FoldedParameters folded(&tail, has_bias, filters, size);
    Tensor buffer;
    const float* const real = folded.load(values, buffer);
    const float* bias = has_bias ? values[1] : nullptr;
    if (folded.folds()) bias = folded.epilogue({}).bias;

    Tensor weight(shape);
    Tensor scale(Shape{filters});
    Tensor biases(Shape{filters});
    for (int64_t k = 0; k < filters; ++k) {
      float largest = 0;
      for (int64_t j = k * size; j < (k + 1) * size; ++j) largest = std::max(largest, std::abs(real[j]));
      scale[k] = largest > 1e-30F ? largest / 127 : 1;
      for (int64_t j = k * size; j < (k + 1) * size; ++j) weight[j] = std::nearbyint(real[j] / scale[k]);
      biases[k] = bias != nullptr ? bias[k] : 0;
    }
    parameters_.push_back(std::move(weight));
    parameters_.push_back(std::move(scale));
    parameters_.push_back(std::move(biases));
  }

  const QuantizedGraph& plan_;
  const std::vector<Quantization>& maps_;
  Graph graph_;
  std::vector<Tensor> parameters_;
  std::vector<std::optional<Value>> real_;
  std::vector<std::optional<Value>> bytes_;
  std::map<int, Value> restored_;
  QuantizedModel result_;
};

QuantizedModel QuantizedGraph::build(const std::vector<Quantization>& maps) const {
  return QuantizedGraphBuilder(*this, maps).build();
}

QuantizedModel quantize_model(Model& model, std::shared_ptr<const Dataset> pictures, const QuantizeOptions& options) {
  const QuantizedGraph graph(model);
  std::vector<Quantization> maps;
  for (const ValueHistogram& histogram : measure_ranges(model, pictures, graph.groups(), options)) {
    maps.push_back(choose_quantization(histogram));
  }
  return graph.build(maps);
}

}  // namespace fovea
