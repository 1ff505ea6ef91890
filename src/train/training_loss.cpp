#include "train/training_loss.h"

#include <fmt/format.h>

#include <vector>

#include "fovea/error.h"
#include "fovea/ops.h"

namespace fovea {

namespace {

void check(const Loss& loss, bool shares) {
  const auto refuse = [&](const char* what) {
    throw Error(ErrorKind::usage, fmt::format("training: {}, got {}", what, loss.label_smoothing));
  };
  if (!(loss.label_smoothing >= 0 && loss.label_smoothing <= 1)) refuse("label smoothing must be between 0 and 1");
  if (loss.kind != Loss::Kind::cross_entropy && loss.label_smoothing != 0) {
    refuse("labels are smoothed for the cross-entropy only");
  }
  if (shares && loss.kind != Loss::Kind::cross_entropy) {
    throw Error(ErrorKind::usage, "training: mixup, cutmix and class weights need the cross-entropy as loss");
  }
}

Value add_loss(Value scores, Value labels, const Loss& loss, bool shares) {
  if (shares) return soft_cross_entropy(scores, labels);
  switch (loss.kind) {
    case Loss::Kind::cross_entropy:
      return cross_entropy(scores, labels, loss.label_smoothing);
    case Loss::Kind::hinge:
      return hinge(scores, labels);
  }
  return {};
}

}  // namespace

int logits_node(const Graph& graph, int output) {
  const Node& node = graph.node(output);
  const bool normalised = node.op && (node.op->type() == "softmax" || node.op->type() == "log_softmax");
  return normalised ? node.inputs[0] : output;
}

TrainingLoss add_training_loss(const Graph& network, const Loss& loss, bool shares) {
  check(loss, shares);
  TrainingLoss result{network, "", "labels", ""};
  Graph& graph = result.graph;
  while (graph.contains(result.labels)) result.labels += '_';
  const Value logits(&graph, logits_node(graph, network.output_node()));
  const Value labels = graph.input(result.labels, shares ? logits.shape().without_batch() : Shape{});
  result.logits = logits.name();
  std::vector<Value> losses = {add_loss(logits, labels, loss, shares)};
  std::vector<double> weights = {1};
  for (const AuxiliaryOutput& auxiliary : network.auxiliary_outputs()) {
    losses.push_back(add_loss({&graph, logits_node(graph, auxiliary.node)}, labels, loss, shares));
    weights.push_back(auxiliary.weight);
  }
  result.loss = (losses.size() == 1 ? losses[0] : weighted_sum(losses, weights)).name();
  return result;
}

}  // namespace fovea
