#include "train/training_step.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "fovea/error.h"
#include "fovea/metrics.h"
#include "train/frozen_graph.h"

namespace fovea {

namespace {

// Keeps apart the random numbers of mixing from those of the order, augmentation and dropout.
constexpr uint64_t mixing_stream = 0x6d69780000;  // "mix"

void check(const FitOptions& options) {
  const auto refuse = [](const char* what, auto value) {
    throw Error(ErrorKind::usage, fmt::format("training: {}, got {}", what, value));
  };
  if (options.accumulate < 1) refuse("batches to accumulate must be at least 1", options.accumulate);
  if (!(options.clip_norm >= 0)) refuse("the largest norm of gradients must not be negative", options.clip_norm);
  if (!(options.clip_value >= 0)) refuse("the largest gradient must not be negative", options.clip_value);
}

}  // namespace

TrainingStep::TrainingStep(Model& model, const Dataset& dataset, const FitOptions& options, int64_t batch)
    : model_(model),
      classifier_(find_classifier(model, dataset)),
      scales_(parameter_scales(model.graph(), options.rules)),
      mixing_(options.augmentation.mixing()),
      class_weights_(options.balance == ClassBalance::weights ? class_weights(dataset) : std::vector<float>()),
      smoothing_(static_cast<float>(options.loss.label_smoothing)),
      random_(options.seed, mixing_stream),
      shares_(mixing_.any() || !class_weights_.empty()),
      network_(add_training_loss(freeze(model.graph(), scales_), options.loss, shares_)),
      session_(model, network_.graph,
               {.batch = batch,
                .training = true,
                .differentiate = network_.loss,
                .keep = {network_.logits, network_.loss},
                .seed = options.seed}),
      optimizer_(make_optimizer(options.optimizer, model, scales_, options.lookahead)),
      accumulate_(options.accumulate),
      clip_norm_(options.clip_norm),
      clip_value_(options.clip_value),
      constrain_(options.constrain) {
  check(options);
  for (size_t i = 0; i < model.parameters().size(); ++i) gradients_.push_back(session_.parameter_gradient(i));
  if (accumulate_ > 1 || clip_norm_ > 0 || clip_value_ > 0) sum_.emplace(gradients_);
}

void TrainingStep::fill_inputs(const Batch& batch, uint64_t number) {
  const std::span<float> images = session_.input(classifier_.input);
  const std::span<float> labels = session_.input(network_.labels);
  if (!shares_) {
    std::ranges::copy(batch.images.values(), images.begin());
    std::ranges::copy(batch.labels.values(), labels.begin());
    return;
  }
  mix_batch(batch, mixing_, class_weights_, random_.substream(number), images, labels);
  if (smoothing_ == 0) return;
  const auto classes = static_cast<size_t>(classifier_.classes);
  for (size_t row = 0; row < labels.size(); row += classes) {
    const std::span<float> shares = labels.subspan(row, classes);
    const float total = std::accumulate(shares.begin(), shares.end(), 0.0F);
    for (float& share : shares) {
      share = (1 - smoothing_) * share + smoothing_ * total / static_cast<float>(classes);
    }
  }
}

TrainingStep::Result TrainingStep::add(const Batch& batch, uint64_t number) {
  fill_inputs(batch, number);
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
  if (constrain_) constrain_(model_);
  session_.parameters_changed();
  added_ = 0;
}

}  // namespace fovea
