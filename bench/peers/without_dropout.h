#pragma once

#include <vector>

#include "fovea/graph.h"

// The network without dropout and stochastic depth, which draw other numbers than PyTorch's: so that what both compute
// can be compared.
inline fovea::Graph without_dropout(const fovea::Graph& graph) {
  fovea::Graph copy;
  std::vector<fovea::Value> values;
  for (const fovea::Node& node : graph.nodes()) {
    std::vector<fovea::Value> inputs;
    for (const int input : node.inputs) inputs.push_back(values[static_cast<size_t>(input)]);
    if (!node.op) {
      values.push_back(copy.input(node.name, node.shape.without_batch()));
    } else if (node.op->type() == "dropout" || node.op->type() == "stochastic_depth") {
      values.push_back(inputs[0]);
    } else {
      values.push_back(copy.add(node.name, node.op, inputs));
    }
  }
  copy.set_output(values[static_cast<size_t>(graph.output_node())]);
  for (const fovea::AuxiliaryOutput& auxiliary : graph.auxiliary_outputs()) {
    copy.add_auxiliary_output(values[static_cast<size_t>(auxiliary.node)], auxiliary.weight);
  }
  return copy;
}
