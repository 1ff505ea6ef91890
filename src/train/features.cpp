#include "fovea/features.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "fovea/error.h"
#include "fovea/session.h"
#include "train/classifier.h"

namespace fovea {

namespace {

// values {positions, channels} -> out {channels}, the mean over the positions.
void average(std::span<const float> values, std::span<float> out) {
  std::vector<double> sums(out.size());
  for (size_t i = 0; i < values.size(); ++i) sums[i % out.size()] += values[i];
  const size_t positions = values.size() / out.size();
  for (size_t c = 0; c < out.size(); ++c) out[c] = static_cast<float>(sums[c] / static_cast<double>(positions));
}

}  // namespace

std::string feature_layer(const Graph& network) {
  int node = network.output_node();
  for (;;) {
    const Node& at = network.node(node);
    if (!at.op || at.inputs.empty()) {
      throw Error(ErrorKind::format, "the network has no dense layer or convolution whose input could be its features");
    }
    node = at.inputs[0];
    if (at.op->type() == "dense" || at.op->type() == "conv") return network.node(node).name;
  }
}

Tensor extract_features(Model& model, std::shared_ptr<const Dataset> dataset, const FeatureOptions& options) {
  if (options.batch < 1) {
    throw Error(ErrorKind::usage, fmt::format("batch must be at least 1, got {}", options.batch));
  }
  const std::string input = find_picture_input(model);
  Graph graph = model.graph();
  graph.set_output(graph.value(options.layer.empty() ? feature_layer(graph) : options.layer));
  const Shape& shape = graph.output().shape();
  const int64_t count = dataset->size();
  const int64_t batch_size = std::min(options.batch, std::max<int64_t>(count, 1));
  const int64_t length = shape.rank() == 4 ? shape.back() : shape.elements();
  Session session(model, graph, {.batch = batch_size});

  std::vector<int64_t> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), int64_t{0});
  Loader loader(dataset, model.preprocessing, std::move(order), {.batch_size = batch_size, .workers = options.workers});
  Tensor features(Shape{count, length});
  const auto per_item = static_cast<size_t>(shape.elements());
  int64_t item = 0;
  while (const Batch* batch = loader.next()) {
    std::ranges::copy(batch->images.values(), session.input(input).begin());
    session.forward();
    for (size_t i = 0; i < static_cast<size_t>(batch->count); ++i, ++item) {
      average(session.output().subspan(i * per_item, per_item),
              features.values().subspan(static_cast<size_t>(item * length), static_cast<size_t>(length)));
    }
  }
  return features;
}

}  // namespace fovea
