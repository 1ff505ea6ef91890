#include "train/training_step.h"

#include <algorithm>
#include <cmath>

#include "fovea/metrics.h"

namespace fovea {

TrainingStep::TrainingStep(Model& model, const Dataset& dataset, const FitOptions& options, int64_t batch)
    : classifier_(find_classifier(model, dataset)),
      network_(add_training_loss(model.graph(), options.loss)),
      session_(model, network_.graph,
               {.batch = batch,
                .training = true,
                .differentiate = network_.loss,
                .keep = {network_.logits, network_.loss},
                .seed = options.seed}),
      optimizer_(make_optimizer(options.optimizer, model)) {
  for (size_t i = 0; i < model.parameters().size(); ++i) gradients_.push_back(session_.parameter_gradient(i));
}

TrainingStep::Result TrainingStep::run(const Batch& batch, uint64_t number, double learning_rate) {
  std::ranges::copy(batch.images.values(), session_.input(classifier_.input).begin());
  std::ranges::copy(batch.labels.values(), session_.input(network_.labels).begin());
  session_.set_step(number);
  session_.forward();
  Result result{session_.activation(network_.loss)[0], 0};
  if (!std::isfinite(result.loss)) return result;

  const std::span<const float> logits = session_.activation(network_.logits);
  const auto classes = static_cast<size_t>(classifier_.classes);
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
