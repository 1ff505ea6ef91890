#include "fovea/predict.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "fovea/data.h"
#include "fovea/error.h"
#include "fovea/session.h"

namespace fovea {

namespace {

int only_input(const Graph& graph) {
  const std::vector<int> inputs = graph.inputs();
  if (inputs.size() != 1) {
    throw Error(ErrorKind::format, fmt::format("a classifier has one input, this network has {}", inputs.size()));
  }
  return inputs[0];
}

void check(const Model& model) {
  const Graph& graph = model.graph();
  const Shape& input = graph.node(only_input(graph)).shape;
  const Preprocessing& p = model.preprocessing;
  if (p.height == 0) {
    throw Error(ErrorKind::format, "the model says nothing about how pictures are prepared for it (no preprocessing)");
  }
  if (!(input == Shape{1, p.height, p.width, p.channels})) {
    throw Error(ErrorKind::format, fmt::format("the network takes {}, but its preprocessing gives {}x{}x{}",
                                               to_string(input.without_batch()), p.height, p.width, p.channels));
  }
  const Shape& output = graph.node(graph.output_node()).shape;
  if (output.rank() != 2) {
    throw Error(ErrorKind::format,
                fmt::format("a classifier's output is {{1, classes}}, this network's is {}", to_string(output)));
  }
}

// Scores to probabilities, in place; `last` is the network's last op.
void to_probabilities(std::vector<double>& scores, std::string_view last) {
  if (last == "softmax") return;
  const double highest = *std::ranges::max_element(scores);
  double sum = 0;
  for (double& score : scores) sum += score = std::exp(score - highest);
  for (double& score : scores) score /= sum;
}

}  // namespace

struct Predictor::State {
  explicit State(Model m)
      : session(std::move(m), {}),
        preprocessor(session.model().preprocessing),
        input(session.input(session.model().graph().node(only_input(session.model().graph())).name)) {}

  Session session;
  Preprocessor preprocessor;
  std::span<float> input;
};

Predictor::Predictor(Model model) {
  check(model);
  state_ = std::make_unique<State>(std::move(model));
}
Predictor::~Predictor() = default;
Predictor::Predictor(Predictor&&) noexcept = default;
Predictor& Predictor::operator=(Predictor&&) noexcept = default;

const Model& Predictor::model() const { return state_->session.model(); }

std::vector<Guess> Predictor::operator()(const Image& image, int64_t top) {
  const Model& model = state_->session.model();
  state_->preprocessor.run(image, state_->input.data());
  state_->session.forward();
  const std::span<const float> output = state_->session.output();
  if (!std::ranges::all_of(output, [](float x) { return std::isfinite(x); })) {
    throw Error(ErrorKind::failure, fmt::format("'{}' is the first node with a NaN or an infinity",
                                                state_->session.find_non_finite().value_or("output")));
  }
  std::vector<double> scores(output.begin(), output.end());
  const Node& last = model.graph().node(model.graph().output_node());
  to_probabilities(scores, last.op ? last.op->type() : "");

  std::vector<int64_t> order(scores.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  std::ranges::stable_sort(order, std::ranges::greater(), [&](int64_t k) { return scores[static_cast<size_t>(k)]; });
  order.resize(static_cast<size_t>(std::clamp<int64_t>(top, 0, static_cast<int64_t>(order.size()))));
  std::vector<Guess> guesses;
  for (const int64_t k : order) {
    const auto at = static_cast<size_t>(k);
    guesses.push_back({k, at < model.class_names.size() ? model.class_names[at] : std::to_string(k), scores[at]});
  }
  return guesses;
}

}  // namespace fovea
