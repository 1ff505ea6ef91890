#include <algorithm>
#include <cmath>
#include <span>

#include "explain/attribution.h"
#include "explain/dataset_walk.h"
#include "fovea/look.h"
#include "graph/relu_backward.h"

namespace fovea::explain {

namespace {

// Running sums over a layer's values.
struct Tally {
  double sum = 0, squares = 0;
  int64_t count = 0, zeros = 0;
  std::vector<float> least, greatest;  // of each channel

  explicit Tally(int64_t channels)
      : least(static_cast<size_t>(channels), INFINITY), greatest(static_cast<size_t>(channels), -INFINITY) {}

  void add(std::span<const float> values) {
    const size_t channels = least.size();
    for (size_t i = 0; i < values.size(); ++i) {
      const float value = values[i];
      const size_t k = i % channels;
      sum += value;
      squares += static_cast<double>(value) * value;
      zeros += value == 0 ? 1 : 0;
      least[k] = std::min(least[k], value);
      greatest[k] = std::max(greatest[k], value);
    }
    count += std::ssize(values);
  }
};

std::vector<std::string> usual_layers(const Graph& graph) {
  const std::vector<bool> used = ancestors(graph, graph.output_node());
  std::vector<std::string> layers;
  for (int i = 0; i < static_cast<int>(graph.nodes().size()); ++i) {
    const Node& node = graph.node(i);
    if (used[static_cast<size_t>(i)] && node.op && (has_weights(graph, i) || is_relu(*node.op)))
      layers.push_back(node.name);
  }
  return layers;
}

TensorStatistics weights_of(const Model& model, const Node& node) {
  if (node.parameters.empty()) return {};
  const Tensor& weight = model.parameters()[static_cast<size_t>(node.parameters[0])];
  return measure(StoredTensor{node.name, DType::f32, weight.shape(), std::as_bytes(weight.values())});
}

LayerActivity summarise(const Model& model, const std::string& layer, const Tally& tally) {
  const Graph& graph = model.graph();
  const Node& node = graph.node(graph.find(layer));
  LayerActivity activity{.layer = layer, .op = node.op ? std::string(node.op->type()) : "input"};
  activity.channels = std::ssize(tally.least);
  activity.weights = weights_of(model, node);
  if (tally.count == 0) return activity;
  const auto count = static_cast<double>(tally.count);
  activity.mean = tally.sum / count;
  activity.std = std::sqrt(std::max(0.0, tally.squares / count - activity.mean * activity.mean));
  activity.least = *std::ranges::min_element(tally.least);
  activity.greatest = *std::ranges::max_element(tally.greatest);
  activity.zeros = static_cast<double>(tally.zeros) / count;
  for (size_t k = 0; k < tally.least.size(); ++k) {
    if (tally.least[k] == tally.greatest[k]) activity.dead.push_back(static_cast<int64_t>(k));
  }
  return activity;
}

}  // namespace

std::vector<LayerActivity> measure_activity(Model& model, const std::shared_ptr<const Dataset>& dataset,
                                            const ActivityOptions& options) {
  const Graph& graph = model.graph();
  const std::vector<std::string> layers = options.layers.empty() ? usual_layers(graph) : options.layers;
  std::vector<Tally> tallies;
  std::vector<size_t> sizes;
  for (const std::string& layer : layers) {
    const Shape& shape = graph.node(graph.find(layer)).shape;
    tallies.emplace_back(shape.back());
    sizes.push_back(static_cast<size_t>(shape.elements()));
  }
  walk(model, dataset, spread_items(dataset->size(), options.max_items), layers, options.batch,
       [&](Session& session, int64_t, int64_t row) {
         for (size_t i = 0; i < layers.size(); ++i) {
           tallies[i].add(session.activation(layers[i]).subspan(static_cast<size_t>(row) * sizes[i], sizes[i]));
         }
       });
  std::vector<LayerActivity> activities;
  for (size_t i = 0; i < layers.size(); ++i) activities.push_back(summarise(model, layers[i], tallies[i]));
  return activities;
}

}  // namespace fovea::explain
