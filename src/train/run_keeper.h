#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "fovea/train.h"
#include "train/checkpoint.h"
#include "train/run_log.h"

namespace fovea {

// Writes what a run leaves behind; does nothing for a run that is kept nowhere.
class RunKeeper {
 public:
  explicit RunKeeper(const FitOptions& options) : options_(options) {}

  bool active() const { return !options_.run_folder.empty(); }
  double seconds_since_save() const;
  // For messages: what of the run is safe.
  std::string describe_kept() const;

  // Takes the folder, which must be empty, and saves the beginning.
  void begin(const Model& model, std::span<const OptimizerTensor> tensors, const TrainingState& state);
  // The folder has the run already, at this state, after `step` steps; there are more to come unless it is finished.
  void go_on(const TrainingState& state, int64_t step, bool finished);

  void save(const Model& model, std::span<const OptimizerTensor> tensors, const TrainingState& state);
  void add(const Progress& progress);
  // After an epoch: `state` stands at the start of the next, and the last of the history is new; `step` as above.
  void save_epoch(const Model& model, std::span<const OptimizerTensor> tensors, const TrainingState& state,
                  int64_t step, bool best);

 private:
  void note(const TrainingState& state);
  void write_metrics(const History& history) const;

  const FitOptions& options_;
  std::chrono::steady_clock::time_point saved_ = std::chrono::steady_clock::now();
  std::optional<RunLog> log_;  // while the run goes on
  std::string saved_at_;       // position of last.safetensors; empty: there is none
};

}  // namespace fovea
