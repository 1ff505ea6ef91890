#include "train/training_step.h"

#include <algorithm>
#include <cmath>

#include "fovea/metrics.h"
#include "fovea/ops.h"

namespace fovea {

TrainingStep::Network TrainingStep::add_loss(const Model& model, const Dataset& dataset) {
  Network network{model.graph(), find_classifier(model, dataset), "labels", ""};
  while (network.graph.contains(network.labels)) network.labels += '_';
  const Value logits = network.graph.value(network.classifier.logits);
  network.loss = cross_entropy(logits, network.graph.input(network.labels, Shape{})).name();
  return network;
}

TrainingStep::TrainingStep(Model& model, const Dataset& dataset, const Sgd& optimizer, int64_t batch, uint64_t seed)
    : network_(add_loss(model, dataset)),
      session_(model, network_.graph,
               {.batch = batch,
                .training = true,
                .differentiate = network_.loss,
                .keep = {network_.classifier.logits, network_.loss},
                .seed = seed}),
      optimizer_(make_optimizer(optimizer, model)) {
  for (size_t i = 0; i < model.parameters().size(); ++i) gradients_.push_back(session_.parameter_gradient(i));
}

TrainingStep::Result TrainingStep::run(const Batch& batch, uint64_t number, double learning_rate) {
  std::ranges::copy(batch.images.values(), session_.input(network_.classifier.input).begin());
  std::ranges::copy(batch.labels.values(), session_.input(network_.labels).begin());
  session_.set_step(number);
  session_.forward();
  Result result{session_.activation(network_.loss)[0], 0};
  if (!std::isfinite(result.loss)) return result;

  const std::span<const float> logits = session_.activation(network_.classifier.logits);
  const auto classes = static_cast<size_t>(network_.classifier.classes);
  for (int64_t i = 0; i < batch.count; ++i) {
    const auto scores = logits.subspan(static_cast<size_t>(i) * classes, classes);
    result.correct += static_cast<int64_t>(rank_of_label(scores, static_cast<int64_t>(batch.labels[i])) == 0);
  }
  session_.backward();
  optimizer_->step(gradients_, learning_rate);
  session_.parameters_changed();
  return result;
}

}  // namespace fovea
