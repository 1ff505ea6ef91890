#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "fovea/data.h"
#include "fovea/metrics.h"
#include "fovea/model.h"
#include "fovea/tensor.h"
#include "fovea/train.h"

// All that can be told of a classifier, or of several whose probabilities are averaged, on a data set.
namespace fovea {

// Of one class against the rest; NaN where there is nothing to take a fraction of.
struct ClassScores {
  int64_t items = 0;
  double precision = 0;
  double recall = 0;
  double f1 = 0;
  double auc = 0;  // see roc_auc
};

struct Mistake {
  int64_t item = 0;
  int64_t label = 0;
  int64_t prediction = 0;
  double confidence = 0;         // probability of the prediction
  double label_probability = 0;  // of the true class
};

struct Assessment {
  Scores scores{};
  std::vector<double> top{};  // top[k - 1]: fraction of items whose class is among the k best, k = 1 .. min(K, 10)
  ConfusionMatrix confusion{};
  std::vector<ClassScores> classes{};
  ClassScores mean{};  // over the classes for which each is a number (the macro average); items: all
  Calibration calibration{};
  std::vector<Mistake> mistakes{};  // all, those with the least probability of the true class first
};

// From probabilities {N, K} of N items. Throws Error(usage) when counts differ or a label is out of range.
Assessment assess(const Tensor& probabilities, std::span<const int64_t> labels,
                  const std::vector<std::string>& class_names);

// Of the arithmetic mean of the models' probabilities: an ensemble (Krizhevsky et al. 2012, section 6; several seeds
// or checkpoints make a few percent). One model alone is judged as evaluate() does.
// Throws as evaluate() does; Error(usage) without models.
Assessment assess(std::span<Model> models, std::shared_ptr<const Dataset> dataset, const EvaluateOptions& options = {});

}  // namespace fovea
