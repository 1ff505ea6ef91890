#include "train/frozen_graph.h"

#include <algorithm>

#include "ops/inference_op.h"

namespace fovea {

Graph freeze(const Graph& network, std::span<const ParameterScale> scales) {
  std::vector<ParameterSpec> specs = network.parameters();
  bool any = false;
  for (size_t i = 0; i < specs.size(); ++i) {
    any = any || (specs[i].trainable && !scales[i].trained);
    specs[i].trainable = scales[i].trained;
  }
  if (!any) return network;

  std::deque<Node> nodes = network.nodes();
  for (Node& node : nodes) {
    if (!node.op || node.op->type() != "batch_norm") continue;
    const auto trained = [&](int parameter) { return specs[static_cast<size_t>(parameter)].trainable; };
    if (std::ranges::none_of(node.parameters, trained)) node.op = make_inference_op(node.op);
  }
  Graph frozen(std::move(nodes), std::move(specs), network.output_node());
  for (const AuxiliaryOutput& output : network.auxiliary_outputs()) {
    frozen.add_auxiliary_output({&frozen, output.node}, output.weight);
  }
  return frozen;
}

}  // namespace fovea
