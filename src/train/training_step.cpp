#include "train/training_step.h"

#include <algorithm>
#include <cmath>

#include "fovea/metrics.h"
#include "train/frozen_graph.h"

namespace fovea {

TrainingStep::TrainingStep(Model& model, const Dataset& dataset, const FitOptions& options, int64_t batch)
    : classifier_(find_classifier(model, dataset)),
      scales_(parameter_scales(model.graph(), options.rules)),
      network_(add_training_loss(freeze(model.graph(), scales_), options.loss)),
      session_(model, network_.graph,
               {.batch = batch,
                .training = true,
                .differentiate = network_.loss,
                .keep = {network_.logits, network_.loss},
                .seed = options.seed}),
      optimizer_(make_optimizer(options.optimizer, model, scales_, options.lookahead)),
      accumulate_(options.accumulate),
      clip_norm_(options.clip_norm),
      clip_value_(options.clip_value) {
  for (size_t i = 0; i < model.parameters().size(); ++i) gradients_.push_back(session_.parameter_gradient(i));
  if (accumulate_ > 1 || clip_norm_ > 0 || clip_value_ > 0) sum_.emplace(gradients_);
}

TrainingStep::Result TrainingStep::add(const Batch& batch, uint64_t number) {
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
  if (sum_) sum_->add(gradients_, added_ == 0, accumulate_);
  ++added_;
  return result;
}

void TrainingStep::update(double learning_rate) {
  if (clip_norm_ > 0) sum_->clip_norm(clip_norm_);
  if (clip_value_ > 0) sum_->clip_value(clip_value_);
  optimizer_->step(sum_ ? sum_->gradients() : gradients_, learning_rate);
  session_.parameters_changed();
  added_ = 0;
}

}  // namespace fovea
