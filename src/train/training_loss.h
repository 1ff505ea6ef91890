#pragma once

#include <string>

#include "fovea/graph.h"
#include "fovea/train.h"

namespace fovea {

// A network with what training minimises added: the loss of its output and, by their weights, of its auxiliary outputs.
struct TrainingLoss {
  Graph graph;
  std::string logits;  // of the output
  std::string labels;  // the input that takes the classes
  std::string loss;
};

// `labels` takes classes {N}, or with `shares` the shares of the classes {N, K}, label smoothing already in them.
// Throws Error(usage) for options that make no sense, Error(format) naming the node when an output holds no scores.
TrainingLoss add_training_loss(const Graph& network, const Loss& loss, bool shares = false);

// What a final softmax or log-softmax reads, else the node itself.
int logits_node(const Graph& graph, int output);

}  // namespace fovea
