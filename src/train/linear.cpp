#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "fovea/error.h"
#include "fovea/features.h"
#include "fovea/metrics.h"
#include "fovea/ops.h"
#include "fovea/optim.h"
#include "fovea/random.h"
#include "fovea/schedule.h"
#include "fovea/session.h"
#include "train/training_loss.h"

namespace fovea {

namespace {

void check(const Tensor& features, std::span<const int64_t> labels, int64_t classes, const LinearOptions& options) {
  const auto refuse = [](const std::string& what) { throw Error(ErrorKind::usage, "linear classifier: " + what); };
  if (features.empty() || features.shape().rank() != 2 || features.shape()[0] != std::ssize(labels)) {
    refuse(fmt::format("features {} for {} labels", to_string(features.shape()), labels.size()));
  }
  for (const int64_t label : labels) {
    if (label < 0 || label >= classes) refuse(fmt::format("label {} is out of range of {} classes", label, classes));
  }
  if (options.epochs < 1 || options.batch < 1) refuse("epochs and batch must be at least 1");
}

// x -> (x - mean) * scale, for each feature.
struct Standardisation {
  std::vector<double> mean, scale;

  explicit Standardisation(const Tensor& features) {
    const auto count = static_cast<size_t>(features.shape()[0]);
    const auto length = static_cast<size_t>(features.shape()[1]);
    mean.assign(length, 0);
    std::vector<double> squares(length);
    const std::span<const float> values = features.values();
    for (size_t i = 0; i < values.size(); ++i) mean[i % length] += values[i];
    for (double& m : mean) m /= static_cast<double>(count);
    for (size_t i = 0; i < values.size(); ++i) {
      const double d = values[i] - mean[i % length];
      squares[i % length] += d * d;
    }
    for (const double sum : squares) {
      const double deviation = std::sqrt(sum / static_cast<double>(count));
      scale.push_back(deviation > 1e-12 ? 1 / (deviation * std::sqrt(static_cast<double>(length))) : 0);
    }
  }

  float operator()(float x, size_t feature) const { return static_cast<float>((x - mean[feature]) * scale[feature]); }

  // Makes a dense layer of standardised features one of features as they are.
  void fold_into(Tensor& weight, Tensor& bias) const {
    const size_t length = mean.size();
    for (size_t k = 0; k < bias.values().size(); ++k) {
      double shift = 0;
      for (size_t f = 0; f < length; ++f) {
        float& w = weight.values()[k * length + f];
        w = static_cast<float>(w * scale[f]);
        shift += w * mean[f];
      }
      bias.values()[k] -= static_cast<float>(shift);
    }
  }
};

Model dense_layer(int64_t length, int64_t classes) {
  Graph graph;
  dense(Scope(graph) / "linear", graph.input("features", Shape{length}), classes);
  Model model(std::move(graph));
  for (Tensor& parameter : model.parameters()) std::ranges::fill(parameter.values(), 0.0F);  // the problem is convex
  return model;
}

class LinearTrainer {
 public:
  LinearTrainer(const Tensor& features, std::span<const int64_t> labels, int64_t classes, const LinearOptions& options)
      : features_(features),
        labels_(labels),
        options_(options),
        batch_(std::min(options.batch, features.shape()[0])),
        standardise_(features),
        model_(dense_layer(features.shape()[1], classes)),
        network_(add_training_loss(model_.graph(), {})),
        session_(model_, network_.graph, {.batch = batch_, .training = true, .differentiate = network_.loss}),
        optimizer_(make_optimizer(Sgd{.lr = 1, .weight_decay = options.weight_decay}, model_)) {
    for (size_t i = 0; i < model_.parameters().size(); ++i) gradients_.push_back(session_.parameter_gradient(i));
  }

  Model run() && {
    std::vector<int64_t> order(labels_.size());
    std::iota(order.begin(), order.end(), int64_t{0});
    const int64_t steps = std::ssize(order) / batch_;
    const Schedule schedule{.kind = Schedule::Kind::cosine};
    for (int64_t epoch = 0; epoch < options_.epochs; ++epoch) {
      shuffle(order, Random(options_.seed).substream(static_cast<uint64_t>(epoch)));
      for (int64_t step = 0; step < steps; ++step) {
        const double time = static_cast<double>(epoch) + static_cast<double>(step) / static_cast<double>(steps);
        run_step(std::span(order).subspan(static_cast<size_t>(step * batch_), static_cast<size_t>(batch_)),
                 schedule_factor(schedule, time, static_cast<double>(options_.epochs)));
      }
    }
    standardise_.fold_into(model_.parameter("linear.weight"), model_.parameter("linear.bias"));
    return std::move(model_);
  }

 private:
  void run_step(std::span<const int64_t> items, double rate) {
    const auto length = static_cast<size_t>(features_.shape()[1]);
    const std::span<float> input = session_.input("features");
    const std::span<float> targets = session_.input(network_.labels);
    for (size_t i = 0; i < items.size(); ++i) {
      const auto item = static_cast<size_t>(items[i]);
      for (size_t f = 0; f < length; ++f) {
        input[i * length + f] = standardise_(features_.values()[item * length + f], f);
      }
      targets[i] = static_cast<float>(labels_[item]);
    }
    session_.forward();
    session_.backward();
    optimizer_->step(gradients_, rate);
    session_.parameters_changed();
  }

  const Tensor& features_;
  std::span<const int64_t> labels_;
  LinearOptions options_;
  int64_t batch_;
  Standardisation standardise_;
  Model model_;
  TrainingLoss network_;
  Session session_;
  std::unique_ptr<Optimizer> optimizer_;
  std::vector<std::span<const float>> gradients_;
};

}  // namespace

Model fit_linear(const Tensor& features, std::span<const int64_t> labels, int64_t classes,
                 const LinearOptions& options) {
  check(features, labels, classes, options);
  return LinearTrainer(features, labels, classes, options).run();
}

Tensor classify(Model& linear, const Tensor& features) {
  const Graph& graph = linear.graph();
  const Node& input = graph.node(graph.inputs().front());
  if (features.empty() || features.shape().rank() != 2 || input.shape != Shape{1, features.shape()[1]}) {
    throw Error(ErrorKind::usage, fmt::format("linear classifier: takes {}, got features {}",
                                              to_string(input.shape.without_batch()), to_string(features.shape())));
  }
  const auto classes = static_cast<size_t>(graph.node(graph.output_node()).shape.back());
  const auto count = features.shape()[0];
  Session session(linear, {.batch = count});
  std::ranges::copy(features.values(), session.input(input.name).begin());
  session.forward();
  Tensor probabilities(Shape{count, static_cast<int64_t>(classes)});
  for (size_t at = 0; at < probabilities.values().size(); at += classes) {
    softmax_of(session.output().subspan(at, classes), probabilities.values().subspan(at, classes));
  }
  return probabilities;
}

}  // namespace fovea
