#include "double_pass.h"

namespace fovea {

DoublePass::DoublePass(const Model& model, const Graph& graph, int64_t batch) : graph_(graph) {
  for (const Node& node : graph.nodes()) {
    NodeState state;
    for (const int input : node.inputs) {
      state.shapes.inputs.push_back(nodes_[static_cast<size_t>(input)].shapes.output);
    }
    state.shapes.output = node.op ? node.op->infer(state.shapes.inputs) : node.shape.with_batch(batch);
    const auto elements = static_cast<size_t>(state.shapes.output.elements());
    state.value.resize(elements);
    state.gradient.resize(elements);
    if (node.op) state.saved.resize(node.op->reference_saved_size(state.shapes));
    nodes_.push_back(std::move(state));
  }
  for (const ParameterSpec& spec : graph.parameters()) {
    const auto values = model.parameter(spec.name).values();
    parameters_.emplace_back(values.begin(), values.end());
    parameter_gradients_.emplace_back(values.size());
  }
}

void DoublePass::run() {
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (graph_.nodes()[i].op) forward(i);
  }
  NodeState& output = nodes_[static_cast<size_t>(graph_.output_node())];
  output.gradient.assign(output.gradient.size(), 1);
  output.has_gradient = true;
  for (size_t i = nodes_.size(); i-- > 0;) {
    if (graph_.nodes()[i].op && nodes_[i].has_gradient) backward(i);
  }
}

void DoublePass::forward(size_t i) {
  const Node& node = graph_.nodes()[i];
  NodeState& state = nodes_[i];
  std::vector<const double*> inputs;
  std::vector<double*> parameters;
  for (const int input : node.inputs) inputs.push_back(nodes_[static_cast<size_t>(input)].value.data());
  for (const int p : node.parameters) parameters.push_back(parameters_[static_cast<size_t>(p)].data());
  Step<double> step;
  step.inputs = inputs;
  step.output = state.value.data();
  step.parameters = parameters;
  step.saved = state.saved.data();
  step.training = true;
  node.op->reference_forward(state.shapes, step);
}

// Adds to the gradients of the node's inputs.
void DoublePass::backward(size_t i) {
  const Node& node = graph_.nodes()[i];
  NodeState& state = nodes_[i];
  std::vector<const double*> inputs;
  std::vector<std::vector<double>> added(node.inputs.size());
  std::vector<double*> input_gradients;
  for (size_t k = 0; k < node.inputs.size(); ++k) {
    const NodeState& input = nodes_[static_cast<size_t>(node.inputs[k])];
    inputs.push_back(input.value.data());
    if (node.op->differentiable(k)) added[k].resize(input.value.size());
    input_gradients.push_back(added[k].empty() ? nullptr : added[k].data());
  }
  std::vector<double*> parameters;
  std::vector<double*> parameter_gradients;
  for (const int p : node.parameters) {
    const auto place = static_cast<size_t>(p);
    parameters.push_back(parameters_[place].data());
    parameter_gradients.push_back(graph_.parameters()[place].trainable ? parameter_gradients_[place].data() : nullptr);
  }
  Step<double> step;
  step.inputs = inputs;
  step.output = state.value.data();
  step.parameters = parameters;
  step.output_gradient = state.gradient.data();
  step.input_gradients = input_gradients;
  step.parameter_gradients = parameter_gradients;
  step.saved = state.saved.data();
  step.training = true;
  node.op->reference_backward(state.shapes, step);
  for (size_t k = 0; k < node.inputs.size(); ++k) {
    NodeState& input = nodes_[static_cast<size_t>(node.inputs[k])];
    for (size_t e = 0; e < added[k].size(); ++e) input.gradient[e] += added[k][e];
    input.has_gradient = input.has_gradient || !added[k].empty();
  }
}

}  // namespace fovea
