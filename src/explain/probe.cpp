#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string_view>

#include "explain/attribution.h"
#include "fovea/error.h"
#include "train/training_loss.h"

namespace fovea::explain {

namespace {

constexpr size_t kept_sessions = 3;

int only_input(const Graph& graph) {
  const std::vector<int> inputs = graph.inputs();
  if (inputs.size() == 1) return inputs[0];
  throw Error(ErrorKind::format,
              fmt::format("a network that is explained has one input, this network has {}", inputs.size()));
}

bool same(const SessionOptions& a, const SessionOptions& b) {
  return a.batch == b.batch && a.differentiate == b.differentiate && a.gradients == b.gradients && a.keep == b.keep &&
         a.relu_backward == b.relu_backward;
}

// Whether a network's shapes hold for such a batch; those of imported ones may not.
bool takes_batch(const Graph& graph, int64_t batch) {
  std::vector<Shape> shapes;
  try {
    for (const Node& node : graph.nodes()) {
      std::vector<Shape> inputs;
      for (const int input : node.inputs) inputs.push_back(shapes[static_cast<size_t>(input)]);
      shapes.push_back(node.op ? node.op->infer(inputs) : node.shape.with_batch(batch));
    }
  } catch (const Error&) {
    return false;
  }
  const Shape& output = shapes[static_cast<size_t>(graph.output_node())];
  return output.elements() == batch * graph.node(graph.output_node()).shape.elements() && output[0] == batch;
}

// Row `i` of a batch whose rows have `size` elements.
template <class T>
std::span<T> row(std::span<T> batch, int64_t i, size_t size) {
  return batch.subspan(static_cast<size_t>(i) * size, size);
}

}  // namespace

std::vector<double> softmax(std::span<const float> scores) {
  std::vector<double> result(scores.begin(), scores.end());
  const double highest = *std::ranges::max_element(result);
  for (double& score : result) score = std::exp(score - highest);
  const double sum = std::accumulate(result.begin(), result.end(), 0.0);
  for (double& score : result) score /= sum;
  return result;
}

Probe::Probe(Model& model, int64_t batch) : model_(&model), batch_(batch) {
  if (batch < 1) throw Error(ErrorKind::usage, fmt::format("a probe's batch must be at least 1, got {}", batch));
  const Graph& graph = model.graph();
  if (graph.nodes().empty()) throw Error(ErrorKind::format, "a model without a network cannot be explained");
  input_ = graph.node(only_input(graph)).name;
  const Node& logits = graph.node(logits_node(graph, graph.output_node()));
  logits_ = logits.name;
  classes_ = logits.shape.rank() > 0 ? logits.shape.back() : 0;
  if (logits.shape.elements() != classes_) {
    throw Error(ErrorKind::format, fmt::format("one score per class is explained; '{}' gives {}", logits.name,
                                               to_string(logits.shape.without_batch())));
  }
  if (batch > 1 && !takes_batch(graph, batch)) batch_ = 1;
}

const Shape& Probe::node_shape(const std::string& node) const {
  return model_->graph().node(model_->graph().find(node)).shape;
}

Session& Probe::session(const SessionOptions& options) {
  const auto found = std::ranges::find_if(sessions_, [&](const Kept& kept) { return same(kept.options, options); });
  if (found != sessions_.end()) {
    sessions_.splice(sessions_.begin(), sessions_, found);
  } else {
    if (sessions_.size() == kept_sessions) sessions_.pop_back();  // before the new one takes its memory
    sessions_.push_front({options, Session(*model_, options)});
  }
  return sessions_.front().session;
}

void Probe::scores(int64_t count, const Write& write,
                   const std::function<void(int64_t, std::span<const float>)>& read) {
  const int64_t rows = count == 1 ? 1 : batch_;
  Session& session = this->session({.batch = rows, .keep = {logits_}});
  const std::span<float> inputs = session.input(input_);
  const size_t size = inputs.size() / static_cast<size_t>(rows);
  for (int64_t first = 0; first < count; first += rows) {
    const int64_t used = std::min(rows, count - first);
    for (int64_t i = 0; i < used; ++i) write(first + i, row(inputs, i, size));
    session.forward();
    const std::span<const float> logits = session.activation(logits_);
    for (int64_t i = 0; i < used; ++i) read(first + i, row(logits, i, static_cast<size_t>(classes_)));
  }
}

void Probe::gradients(int64_t count, const Score& score, const std::string& node, ReluBackward rule, const Write& write,
                      const std::function<void(int64_t, const Gradient&)>& read) {
  const std::string& scored = score.node.empty() ? logits_ : score.node;
  const std::string& asked = node.empty() ? input_ : node;
  const int64_t elements = node_shape(scored).elements();
  if (score.index < 0 || score.index >= elements) {
    throw Error(ErrorKind::usage,
                fmt::format("there is no score {} in '{}', which has {}", score.index, scored, elements));
  }
  const int64_t rows = count == 1 ? 1 : batch_;
  Session& session = this->session({.batch = rows,
                                    .differentiate = scored,
                                    .parameter_gradients = false,
                                    .gradients = {asked},
                                    .keep = {asked},
                                    .relu_backward = rule});
  const std::span<float> inputs = session.input(input_);
  const size_t size = inputs.size() / static_cast<size_t>(rows);
  const auto node_size = static_cast<size_t>(node_shape(asked).elements());
  std::vector<float> seed(static_cast<size_t>(rows * elements));
  for (int64_t i = 0; i < rows; ++i) seed[static_cast<size_t>(i * elements + score.index)] = 1;
  for (int64_t first = 0; first < count; first += rows) {
    const int64_t used = std::min(rows, count - first);
    for (int64_t i = 0; i < used; ++i) write(first + i, row(inputs, i, size));
    session.forward();
    session.backward(seed);
    const std::span<const float> scores = session.activation(scored);
    const std::span<const float> values = session.activation(asked);
    const std::span<const float> gradients = session.gradient(asked);
    for (int64_t i = 0; i < used; ++i) {
      read(first + i, {scores[static_cast<size_t>(i * elements + score.index)], row(values, i, node_size),
                       row(gradients, i, node_size)});
    }
  }
}

std::vector<float> Probe::scores(const Tensor& x) {
  check_input(*this, x);
  std::vector<float> result;
  scores(
      1, [&](int64_t, std::span<float> input) { std::ranges::copy(x.values(), input.begin()); },
      [&](int64_t, std::span<const float> logits) { result.assign(logits.begin(), logits.end()); });
  return result;
}

std::vector<double> Probe::probabilities(const Tensor& x) { return softmax(scores(x)); }

Tensor Probe::value(const Tensor& x, const std::string& node) {
  check_input(*this, x);
  Session& session = this->session({.keep = {node}});
  std::ranges::copy(x.values(), session.input(input_).begin());
  session.forward();
  return {node_shape(node), session.activation(node)};
}

Probe::NodeGradient Probe::gradient(const Tensor& x, const Score& score, const std::string& node, ReluBackward rule) {
  check_input(*this, x);
  NodeGradient result;
  gradients(
      1, score, node, rule, [&](int64_t, std::span<float> input) { std::ranges::copy(x.values(), input.begin()); },
      [&](int64_t, const Gradient& gradient) {
        const Shape& shape = node.empty() ? input_shape() : node_shape(node);
        result = {gradient.score, Tensor(shape, gradient.value), Tensor(shape, gradient.gradient)};
      });
  return result;
}

}  // namespace fovea::explain
