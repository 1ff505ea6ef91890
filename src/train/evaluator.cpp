#include "train/evaluator.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "fovea/error.h"

namespace fovea {

namespace {

EvaluateOptions checked(EvaluateOptions options, const Dataset& dataset) {
  if (options.batch < 1) {
    throw Error(ErrorKind::usage, fmt::format("batch must be at least 1, got {}", options.batch));
  }
  options.batch = std::min(options.batch, dataset.size());
  return options;
}

}  // namespace

Evaluator::Evaluator(Model& model, std::shared_ptr<const Dataset> dataset, const EvaluateOptions& options)
    : model_(model),
      dataset_(std::move(dataset)),
      classifier_(find_classifier(model, *dataset_)),
      options_(checked(options, *dataset_)),
      session_(model, {.batch = options_.batch, .keep = {classifier_.logits}}) {}

std::optional<Evaluation> Evaluator::run(const std::atomic<bool>* stop) {
  session_.parameters_changed();
  std::vector<int64_t> items(static_cast<size_t>(dataset_->size()));
  std::iota(items.begin(), items.end(), int64_t{0});
  Loader loader(dataset_, model_.preprocessing, std::move(items),
                {.batch_size = options_.batch, .workers = options_.workers});
  const std::span<float> input = session_.input(classifier_.input);
  const auto classes = static_cast<size_t>(classifier_.classes);

  Evaluation result;
  result.confusion = ConfusionMatrix(dataset_->class_names());
  if (options_.probabilities) result.probabilities = Tensor({dataset_->size(), classifier_.classes});
  result.predictions.reserve(static_cast<size_t>(dataset_->size()));
  double loss = 0;
  int64_t first = 0;
  int64_t fifth = 0;
  while (const Batch* batch = loader.next()) {
    if (stop != nullptr && stop->load()) return std::nullopt;
    std::ranges::copy(batch->images.values(), input.begin());
    session_.forward();
    const std::span<const float> logits = session_.activation(classifier_.logits);
    for (int64_t i = 0; i < batch->count; ++i) {
      const auto label = static_cast<int64_t>(batch->labels[i]);
      const auto scores = logits.subspan(static_cast<size_t>(i) * classes, classes);
      const int64_t rank = rank_of_label(scores, label);
      first += static_cast<int64_t>(rank < 1);
      fifth += static_cast<int64_t>(rank < 5);
      loss += cross_entropy_of(scores, label);
      if (options_.probabilities) {
        softmax_of(scores, result.probabilities.values().subspan(result.predictions.size() * classes, classes));
      }
      result.predictions.push_back(predicted_class(scores));
      result.confusion.add(label, result.predictions.back());
    }
    if (!std::isfinite(loss)) {
      throw Error(ErrorKind::failure, fmt::format("evaluation: {}", describe_non_finite(session_)));
    }
  }
  const auto count = static_cast<double>(dataset_->size());
  result.scores = {loss / count, static_cast<double>(first) / count, static_cast<double>(fifth) / count};
  return result;
}

Evaluation evaluate(Model& model, std::shared_ptr<const Dataset> dataset, const EvaluateOptions& options) {
  return *Evaluator(model, std::move(dataset), options).run(nullptr);
}

}  // namespace fovea
