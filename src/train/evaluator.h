#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "fovea/session.h"
#include "fovea/train.h"
#include "train/classifier.h"

namespace fovea {

// A session in inference mode that can be run over a data set again and again while the model changes.
class Evaluator {
 public:
  Evaluator(Model& model, std::shared_ptr<const Dataset> dataset, const EvaluateOptions& options);

  // Nothing when `stop` (may be null) turned true on the way.
  std::optional<Evaluation> run(const std::atomic<bool>* stop);

 private:
  Model& model_;
  std::shared_ptr<const Dataset> dataset_;
  Classifier classifier_;
  EvaluateOptions options_;
  Session session_;
};

}  // namespace fovea
