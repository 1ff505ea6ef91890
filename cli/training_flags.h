#pragma once

#include <string>

#include "command_line.h"
#include "fovea/train.h"

namespace fovea::cli {

// The flags of `train` that say how: optimiser, schedule, rules, loss, and when to stop.
class TrainingFlags {
 public:
  void add(CLI::App& command);

  // What the flags say, over the defaults. Throws Error(usage) for text that makes no sense.
  FitOptions options() const;
  // Whether the learning rate was chosen, so that a network's own is not asked for.
  bool has_learning_rate() const;
  // Factor of the head's learning rate; 1 when not given. Throws Error(usage) for text that is no factor.
  double head_factor() const;

  int64_t epochs() const { return fit_.epochs; }
  uint64_t seed() const { return fit_.seed; }

 private:
  void add_optimizer(CLI::App& command);
  void add_schedule(CLI::App& command);
  void add_rules(CLI::App& command);
  void add_judging(CLI::App& command);
  std::string optimizer_text() const;

  FitOptions fit_;
  std::string optimizer_ = "sgd";
  std::string lr_, momentum_, weight_decay_, max_norm_;
  bool nesterov_ = false;
  std::string schedule_ = "cosine";
  std::string step_every_, gamma_, warmup_;
  std::string freeze_, layer_rates_, head_lr_;
};

}  // namespace fovea::cli
