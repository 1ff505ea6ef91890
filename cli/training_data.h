#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "fovea/data.h"
#include "fovea/train.h"
#include "options.h"

namespace fovea::cli {

// What is trained on, and what each epoch is judged by.
struct TrainingData {
  std::shared_ptr<const Dataset> train, validation, test;
};

// The pictures held out of the training set to judge epochs by: a fraction, or a fold "2/5" of k-fold cross-validation;
// with neither it is the test set.
struct HeldOut {
  double fraction = 0;
  std::string fold{};
};

TrainingData open_data(const DataOptions& data, const HeldOut& held_out, uint64_t seed);

// Of a run kept in a folder, as its config.json says; what `where` says goes before it. Throws as open_dataset does,
// Error(format) for a damaged configuration.
TrainingData open_run_data(const FitOptions& run, const DataOptions& where);

}  // namespace fovea::cli
