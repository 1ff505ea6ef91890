#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "fovea/data.h"
#include "fovea/optim.h"
#include "fovea/session.h"
#include "fovea/train.h"
#include "train/classifier.h"
#include "train/training_loss.h"

namespace fovea {

// One step of training a classifier: forward, loss, backward, update.
class TrainingStep {
 public:
  TrainingStep(Model& model, const Dataset& dataset, const FitOptions& options, int64_t batch);

  struct Result {
    float loss;       // mean over the batch
    int64_t correct;  // items whose class won
  };
  // `number` counts the steps of the whole run: the position of dropout's random numbers. Parameters are updated only
  // if the loss is finite.
  Result run(const Batch& batch, uint64_t number, double learning_rate);

  Session& session() { return session_; }
  Optimizer& optimizer() { return *optimizer_; }

 private:
  Classifier classifier_;
  TrainingLoss network_;
  Session session_;
  std::unique_ptr<Optimizer> optimizer_;
  std::vector<std::span<const float>> gradients_;  // of the model's parameters
};

}  // namespace fovea
