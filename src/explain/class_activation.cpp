// Class activation maps: the channels of a layer, weighed by what they do for a score.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "explain/attribution.h"
#include "fovea/colour_map.h"
#include "fovea/error.h"

namespace fovea::explain {

namespace {

bool has_positions(const Shape& shape, const Shape& input) {
  return shape.rank() == input.rank() && shape.rank() >= 3 && shape.elements() > shape.back();
}

// The layer asked for, its value {1, h, w, K}.
std::string feature_map(const Probe& probe, const Score& score, const std::string& layer) {
  std::string found = layer.empty() ? last_feature_map(probe) : layer;
  const Graph& graph = probe.model().graph();
  const int node = graph.find(found);
  const Shape& shape = graph.node(node).shape;
  if (shape.rank() != 4 || shape[1] * shape[2] == 1) {
    throw Error(ErrorKind::usage, fmt::format("a class activation map needs a layer with positions, height x width x "
                                              "channels; '{}' gives {}",
                                              found, to_string(shape.without_batch())));
  }
  const int scored = scored_node(probe, score);
  if (scored == node || !ancestors(graph, scored)[static_cast<size_t>(node)]) {
    throw Error(ErrorKind::usage,
                fmt::format("'{}' does not depend on '{}': choose a layer before it", graph.node(scored).name, found));
  }
  return found;
}

// ReLU(sum_k weight_k A_k)
Tensor weighed(const Tensor& value, const std::vector<double>& weights) {
  const Shape& shape = value.shape();
  const int64_t channels = shape.back();
  Tensor map(Shape{shape[1], shape[2]});
  for (int64_t i = 0; i < map.size(); ++i) {
    double sum = 0;
    for (int64_t k = 0; k < channels; ++k) sum += weights[static_cast<size_t>(k)] * value[i * channels + k];
    map[i] = static_cast<float>(std::max(sum, 0.0));
  }
  return map;
}

// A_k
Tensor channel(const Tensor& value, int64_t k) {
  const Shape& shape = value.shape();
  Tensor result(Shape{shape[1], shape[2]});
  for (int64_t i = 0; i < result.size(); ++i) result[i] = value[i * shape.back() + k];
  return result;
}

// Scaled to [0, 1]; values that are not all the same.
Tensor unit_range(Tensor map) {
  const auto [low, high] = value_range(map);
  for (float& value : map.values()) value = (value - low) / (high - low);
  return map;
}

}  // namespace

std::string last_feature_map(const Probe& probe) {
  const Graph& graph = probe.model().graph();
  const std::vector<bool> before_logits = ancestors(graph, graph.find(probe.logits()));
  const auto count = static_cast<int>(graph.nodes().size());
  int reader = count - 1;  // the last that has weights
  while (reader >= 0 && !(before_logits[static_cast<size_t>(reader)] && has_weights(graph, reader))) --reader;
  if (reader >= 0) {
    const std::vector<bool> before = ancestors(graph, reader);
    for (int i = reader - 1; i >= 0; --i) {
      const Node& node = graph.node(i);
      if (!before[static_cast<size_t>(i)] || !node.op || node.op->is_identity(false)) continue;
      if (has_positions(node.shape, probe.input_shape())) return node.name;
    }
  }
  throw Error(ErrorKind::usage,
              "a class activation map needs a layer with positions before the last weights, and this network has none");
}

Tensor grad_cam(Probe& probe, const Tensor& x, const Score& score, const std::string& layer) {
  const auto [y, value, gradient] = probe.gradient(x, score, feature_map(probe, score, layer));
  const int64_t channels = value.shape().back();
  const int64_t positions = value.size() / channels;
  std::vector<double> weights(static_cast<size_t>(channels));
  for (int64_t i = 0; i < value.size(); ++i) {
    weights[static_cast<size_t>(i % channels)] += gradient[i] / static_cast<double>(positions);
  }
  return weighed(value, weights);
}

Tensor grad_cam_plus_plus(Probe& probe, const Tensor& x, const Score& score, const std::string& layer) {
  const auto [y, value, gradient] = probe.gradient(x, score, feature_map(probe, score, layer));
  const int64_t channels = value.shape().back();
  std::vector<double> sums(static_cast<size_t>(channels));
  for (int64_t i = 0; i < value.size(); ++i) sums[static_cast<size_t>(i % channels)] += value[i];
  std::vector<double> weights(static_cast<size_t>(channels));
  for (int64_t i = 0; i < value.size(); ++i) {
    const auto k = static_cast<size_t>(i % channels);
    const double g = gradient[i];
    const double below = 2 * g * g + g * g * g * sums[k];
    if (g > 0 && below != 0) weights[k] += g * g / below * g;
  }
  return weighed(value, weights);
}

Tensor score_cam(Probe& probe, const Tensor& x, const Score& score, const std::string& layer) {
  const std::string found = feature_map(probe, score, layer);
  check_class(probe, score, "Score-CAM");
  const Tensor value = probe.value(x, found);
  const Shape& input = probe.input_shape();
  std::vector<int64_t> channels;  // that differ somewhere
  for (int64_t k = 0; k < value.shape().back(); ++k) {
    if (const auto [low, high] = value_range(channel(value, k)); low < high) channels.push_back(k);
  }
  std::vector<float> scores(channels.size());
  probe.scores(
      std::ssize(channels),
      [&](int64_t i, std::span<float> masked) {
        const Tensor mask = unit_range(enlarge(channel(value, channels[static_cast<size_t>(i)]), input[1], input[2]));
        for (size_t j = 0; j < masked.size(); ++j) {
          const auto at = static_cast<int64_t>(j);
          masked[j] = x[at] * mask[at / input.back()];
        }
      },
      [&](int64_t i, std::span<const float> logits) {
        scores[static_cast<size_t>(i)] = logits[static_cast<size_t>(score.index)];
      });
  std::vector<double> weights(static_cast<size_t>(value.shape().back()));
  if (!scores.empty()) {
    const std::vector<double> shares = softmax(scores);
    for (size_t i = 0; i < shares.size(); ++i) weights[static_cast<size_t>(channels[i])] = shares[i];
  }
  return weighed(value, weights);
}

Tensor guided_grad_cam(Probe& probe, const Tensor& x, const Score& score, const std::string& layer) {
  const Shape& input = probe.input_shape();
  const Tensor map = enlarge(grad_cam(probe, x, score, layer), input[1], input[2]);
  Tensor result = guided_backprop(probe, x, score);
  for (int64_t i = 0; i < result.size(); ++i) result[i] *= map[i / input.back()];
  return result;
}

}  // namespace fovea::explain
