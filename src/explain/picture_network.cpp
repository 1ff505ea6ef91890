#include "explain/picture_network.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "explain/picture_input.h"
#include "explain/resized_graph.h"
#include "fovea/error.h"
#include "fovea/explain.h"
#include "fovea/metrics.h"
#include "fovea/ops.h"
#include "train/training_loss.h"

namespace fovea {

namespace {

// A node may be asked for twice.
std::string seed_name(size_t number, const std::string& node) { return fmt::format("seed {} of {}", number, node); }

// The network, and sum over nodes of seed * value as its output.
Graph with_seeds(Graph graph, const std::vector<std::string>& nodes) {
  std::vector<Value> sums;
  for (size_t i = 0; i < nodes.size(); ++i) {
    const Value value = graph.value(nodes[i]);
    const Value seed = graph.input(seed_name(i, nodes[i]), value.shape().without_batch());
    std::vector<int64_t> axes;
    for (int axis = 0; axis < value.shape().rank(); ++axis) axes.push_back(axis);
    sums.push_back(reduce_sum(value * seed, axes));
  }
  const std::vector<double> weights(sums.size(), 1.0);
  graph.set_output(sums.size() == 1 ? sums[0] : weighted_sum(sums, weights));
  return graph;
}

PictureSpace space_of(const Model& model) {
  picture_input(model);
  return PictureSpace(model.preprocessing);
}

PictureSpace space_of(const Model& model, int height, int width) {
  picture_input(model);
  Preprocessing preprocessing = model.preprocessing;
  preprocessing.height = height;
  preprocessing.width = width;
  preprocessing.padding = 0;
  preprocessing.shorter_side = 0;
  return PictureSpace(preprocessing);
}

Graph resized_for(const Model& model, const std::vector<std::string>& nodes, int height, int width) {
  const Graph& graph = model.graph();
  int last = 0;
  for (const std::string& name : nodes) last = std::max(last, graph.find(name));
  const Node& input = graph.node(only_input(graph));
  if (input.shape.rank() != 4) {
    throw Error(ErrorKind::format, fmt::format("the network takes {}, no pictures", to_string(input.shape)));
  }
  return resized_graph(graph, {height, width, input.shape.back()}, last);
}

SessionOptions options_for(const Graph& seeded, const std::string& input, const std::vector<std::string>& nodes) {
  return {.differentiate = seeded.node(seeded.output_node()).name,
          .parameter_gradients = false,
          .gradients = {input},
          .keep = nodes};
}

}  // namespace

PictureNetwork::PictureNetwork(Model& model, const std::vector<std::string>& nodes)
    : PictureNetwork(model, nodes, with_seeds(model.graph(), nodes), space_of(model)) {}

PictureNetwork::PictureNetwork(Model& model, const std::vector<std::string>& nodes, int height, int width)
    : PictureNetwork(model, nodes, with_seeds(resized_for(model, nodes, height, width), nodes),
                     space_of(model, height, width)) {}

PictureNetwork::PictureNetwork(Model& model, const std::vector<std::string>& nodes, const Graph& graph,
                               const PictureSpace& space)
    : space_(space),
      input_(picture_input(model)),
      nodes_(nodes),
      session_(model, graph, options_for(graph, input_, nodes)) {
  for (size_t i = 0; i < nodes_.size(); ++i) seeds_.push_back(seed_name(i, nodes_[i]));
}

const Shape& PictureNetwork::shape(size_t node) const { return session_.shape(nodes_[node]); }

void PictureNetwork::forward(std::span<const float> pixels) {
  space_.to_input(pixels, session_.input(input_));
  session_.forward();
}

std::span<const float> PictureNetwork::value(size_t node) const { return session_.activation(nodes_[node]); }
std::span<float> PictureNetwork::seed(size_t node) { return session_.input(seeds_[node]); }

void PictureNetwork::backward(std::span<float> gradient) {
  session_.backward();
  space_.to_pixels(session_.gradient(input_), gradient);
}

std::string logits_name(const Model& model) {
  const Graph& graph = model.graph();
  return graph.node(logits_node(graph, graph.output_node())).name;
}

PictureClassifier::PictureClassifier(Model& model) : network_(model, {logits_name(model)}) {
  const Shape& output = network_.shape(0);
  if (output.rank() == 2) return;
  throw Error(ErrorKind::format,
              fmt::format("a classifier's output is {{1, classes}}, this network's is {}", to_string(output)));
}

void PictureClassifier::check_class(int64_t label) const {
  if (label >= 0 && label < classes()) return;
  throw Error(ErrorKind::usage, fmt::format("class {} is not one of the network's {}", label, classes()));
}

std::span<const float> PictureClassifier::logits(std::span<const float> pixels) {
  network_.forward(pixels);
  const std::span<const float> logits = network_.value(0);
  if (std::ranges::all_of(logits, [](float x) { return std::isfinite(x); })) return logits;
  throw Error(ErrorKind::failure, "the network gives a NaN or an infinity");
}

std::vector<double> PictureClassifier::probabilities(std::span<const float> pixels) {
  return explain::softmax(logits(pixels));
}

int64_t PictureClassifier::guess(const Image& image) { return predicted_class(logits(space().pixels(image))); }

double PictureClassifier::loss(std::span<const float> pixels, int64_t label, std::span<float> gradient) {
  const std::span<const float> scores = logits(pixels);
  const std::vector<double> probabilities = explain::softmax(scores);
  std::vector<float> weights(probabilities.begin(), probabilities.end());
  weights[static_cast<size_t>(label)] -= 1;
  const double loss = cross_entropy_of(scores, label);
  this->gradient(weights, gradient);
  return loss;
}

void PictureClassifier::gradient(std::span<const float> weights, std::span<float> gradient) {
  std::ranges::copy(weights, network_.seed(0).begin());
  network_.backward(gradient);
}

}  // namespace fovea
