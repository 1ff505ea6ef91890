#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "fovea/augment.h"
#include "fovea/data.h"
#include "fovea/optim.h"
#include "fovea/random.h"
#include "fovea/session.h"
#include "fovea/train.h"
#include "train/classifier.h"
#include "train/gradient_sum.h"
#include "train/training_loss.h"

namespace fovea {

// One step of training a classifier: forward, loss, backward, of one batch or several, then the update.
class TrainingStep {
 public:
  TrainingStep(Model& model, const Dataset& dataset, const FitOptions& options, int64_t batch);

  struct Result {
    float loss;       // mean over the batch
    int64_t correct;  // items whose class won
  };
  // Adds a batch's gradients to those of the step, if its loss is finite. `number` counts the batches of the whole run:
  // the position of dropout's random numbers.
  Result add(const Batch& batch, uint64_t number);
  // Updates the parameters, after as many batches as options.accumulate says.
  void update(double learning_rate);

  Session& session() { return session_; }
  Optimizer& optimizer() { return *optimizer_; }

 private:
  void fill_inputs(const Batch& batch, uint64_t number);

  Model& model_;
  Classifier classifier_;
  std::vector<ParameterScale> scales_;
  BatchMixing mixing_;
  std::vector<float> class_weights_;  // empty: all count the same
  float smoothing_;
  Random random_;  // of mixing
  bool shares_;    // the loss takes shares of classes, not classes
  TrainingLoss network_;
  Session session_;
  std::unique_ptr<Optimizer> optimizer_;
  Gradients gradients_;             // of the last batch
  std::optional<GradientSum> sum_;  // where these are not what the optimiser gets
  int64_t accumulate_;
  int64_t added_ = 0;  // batches, in this step
  double clip_norm_, clip_value_;
  std::function<void(Model&)> constrain_;
};

}  // namespace fovea
