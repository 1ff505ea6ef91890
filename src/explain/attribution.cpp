#include "explain/attribution.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "fovea/error.h"

namespace fovea::explain {

namespace {

// {H, W, C} -> {H, W}, `reduce` taking what was so far and the next value.
template <class Reduce>
Tensor over_channels(const Tensor& attribution, const Reduce& reduce) {
  const Shape& shape = attribution.shape();
  if (shape.rank() != 3 || attribution.empty()) {
    throw Error(ErrorKind::usage, fmt::format("expected height x width x channels values, got {}", to_string(shape)));
  }
  Tensor map(Shape{shape[0], shape[1]});
  for (int64_t i = 0; i < attribution.size(); ++i) {
    float& value = map[i / shape[2]];
    value = reduce(value, attribution[i]);
  }
  return map;
}

}  // namespace

void check_input(const Probe& probe, const Tensor& x) {
  if (x.shape() == probe.input_shape()) return;
  throw Error(ErrorKind::usage,
              fmt::format("the network takes {}, got {}", to_string(probe.input_shape()), to_string(x.shape())));
}

void check_class(const Probe& probe, const Score& score, const char* method) {
  if (!score.node.empty() && score.node != probe.logits()) {
    throw Error(ErrorKind::usage, fmt::format("{} explains a class, not a unit of '{}'", method, score.node));
  }
  if (score.index >= 0 && score.index < probe.classes()) return;
  throw Error(ErrorKind::usage, fmt::format("there is no class {}: the network has {}", score.index, probe.classes()));
}

int scored_node(const Probe& probe, const Score& score) {
  return probe.model().graph().find(score.node.empty() ? probe.logits() : score.node);
}

std::vector<bool> ancestors(const Graph& graph, int node) {
  std::vector<bool> reached(graph.nodes().size());
  reached[static_cast<size_t>(node)] = true;
  for (int i = node; i >= 0; --i) {
    if (!reached[static_cast<size_t>(i)]) continue;
    for (const int input : graph.node(i).inputs) reached[static_cast<size_t>(input)] = true;
  }
  return reached;
}

bool has_weights(const Graph& graph, int node) {
  return std::ranges::any_of(graph.node(node).parameters,
                             [&](int p) { return graph.parameters()[static_cast<size_t>(p)].shape.rank() >= 2; });
}

Tensor magnitude(const Tensor& attribution) {
  return over_channels(attribution, [](float so_far, float next) { return std::max(so_far, std::abs(next)); });
}

Tensor sum_of_channels(const Tensor& attribution) {
  return over_channels(attribution, [](float so_far, float next) { return so_far + next; });
}

}  // namespace fovea::explain
