#pragma once

#include <vector>

#include "fovea/explain.h"

// What the methods share.
namespace fovea::explain {

// Throws Error(usage) unless x is what the network takes.
void check_input(const Probe& probe, const Tensor& x);

// Throws Error(usage) unless the score is one of the logits, naming the method that needs one.
void check_class(const Probe& probe, const Score& score, const char* method);

int scored_node(const Probe& probe, const Score& score);

// Which nodes a node depends on, itself included.
std::vector<bool> ancestors(const Graph& graph, int node);

// Of convolutions and dense layers; scales and shifts of normalisation do not count.
bool has_weights(const Graph& graph, int node);

}  // namespace fovea::explain
