#include "fovea/assessment.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "fovea/error.h"
#include "fovea/parallel.h"

namespace fovea {

namespace {

constexpr size_t most_tops = 10;

std::span<const float> row(const Tensor& probabilities, size_t item) {
  const auto classes = static_cast<size_t>(probabilities.shape().back());
  return probabilities.values().subspan(item * classes, classes);
}

void check(const Tensor& probabilities, std::span<const int64_t> labels, int64_t classes) {
  const Shape expected{std::ssize(labels), classes};
  if (labels.empty() || probabilities.shape() != expected) {
    throw Error(ErrorKind::usage,
                fmt::format("assessing {} items of {} classes: probabilities are {}, {} expected", labels.size(),
                            classes, to_string(probabilities.shape()), to_string(expected)));
  }
  for (const int64_t label : labels) {
    if (label >= 0 && label < classes) continue;
    throw Error(ErrorKind::usage, fmt::format("assessing: label {} is out of range of {} classes", label, classes));
  }
}

std::vector<ClassScores> score_classes(const Tensor& probabilities, std::span<const int64_t> labels,
                                       const ConfusionMatrix& confusion) {
  std::vector<ClassScores> classes(confusion.class_names().size());
  parallel_for(std::ssize(classes), 1, [&](int64_t begin, int64_t end) {
    std::vector<float> scores(labels.size());
    std::vector<bool> positive(labels.size());
    for (int64_t k = begin; k < end; ++k) {
      for (size_t i = 0; i < labels.size(); ++i) {
        scores[i] = row(probabilities, i)[static_cast<size_t>(k)];
        positive[i] = labels[i] == k;
      }
      classes[static_cast<size_t>(k)] = {std::ranges::count(labels, k), confusion.precision(k), confusion.recall(k),
                                         confusion.f1(k), roc_auc(scores, positive)};
    }
  });
  return classes;
}

double mean_of(const std::vector<ClassScores>& classes, double ClassScores::*score) {
  double sum = 0;
  double count = 0;
  for (const ClassScores& one : classes) {
    if (std::isnan(one.*score)) continue;
    sum += one.*score;
    ++count;
  }
  return count > 0 ? sum / count : std::numeric_limits<double>::quiet_NaN();
}

std::vector<int64_t> labels_of(const Dataset& dataset) {
  std::vector<int64_t> labels(static_cast<size_t>(dataset.size()));
  for (int64_t i = 0; i < dataset.size(); ++i) labels[static_cast<size_t>(i)] = dataset.label(i);
  return labels;
}

}  // namespace

Assessment assess(const Tensor& probabilities, std::span<const int64_t> labels,
                  const std::vector<std::string>& class_names) {
  check(probabilities, labels, std::ssize(class_names));
  Assessment result;
  result.confusion = ConfusionMatrix(class_names);
  std::vector<int64_t> within(std::min(class_names.size(), most_tops));  // rank 0, 1, ...
  std::vector<float> confidence;
  std::vector<bool> right;
  double loss = 0;
  for (size_t i = 0; i < labels.size(); ++i) {
    const std::span<const float> of_item = row(probabilities, i);
    const int64_t prediction = predicted_class(of_item);
    const auto rank = static_cast<size_t>(rank_of_label(of_item, labels[i]));
    const float own = of_item[static_cast<size_t>(labels[i])];
    if (rank < within.size()) ++within[rank];
    loss -= std::log(std::max<double>(own, std::numeric_limits<float>::min()));
    confidence.push_back(of_item[static_cast<size_t>(prediction)]);
    right.push_back(prediction == labels[i]);
    result.confusion.add(labels[i], prediction);
    if (right.back()) continue;
    result.mistakes.push_back({static_cast<int64_t>(i), labels[i], prediction, confidence.back(), own});
  }
  const auto count = static_cast<double>(labels.size());
  int64_t sum = 0;
  for (const int64_t items : within) result.top.push_back(static_cast<double>(sum += items) / count);
  result.scores = {loss / count, result.top.front(), result.top[std::min<size_t>(5, result.top.size()) - 1]};
  result.classes = score_classes(probabilities, labels, result.confusion);
  result.mean = {std::ssize(labels), mean_of(result.classes, &ClassScores::precision),
                 mean_of(result.classes, &ClassScores::recall), mean_of(result.classes, &ClassScores::f1),
                 mean_of(result.classes, &ClassScores::auc)};
  result.calibration = calibrate(confidence, right);
  std::ranges::stable_sort(result.mistakes, {}, &Mistake::label_probability);
  return result;
}

Assessment assess(std::span<Model> models, std::shared_ptr<const Dataset> dataset, const EvaluateOptions& options) {
  if (models.empty()) throw Error(ErrorKind::usage, "an ensemble needs at least one model");
  EvaluateOptions with_probabilities = options;
  with_probabilities.probabilities = true;
  Evaluation first = evaluate(models[0], dataset, with_probabilities);
  const std::span<float> mean = first.probabilities.values();
  for (Model& model : models.subspan(1)) {
    const Evaluation evaluation = evaluate(model, dataset, with_probabilities);
    for (size_t i = 0; i < mean.size(); ++i) mean[i] += evaluation.probabilities.values()[i];
  }
  const auto share = 1 / static_cast<float>(models.size());
  for (float& probability : mean) probability *= share;
  Assessment result = assess(first.probabilities, labels_of(*dataset), dataset->class_names());
  if (models.size() == 1) result.scores = first.scores;  // from the logits, exact where a probability underflows
  return result;
}

}  // namespace fovea
