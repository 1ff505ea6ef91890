#pragma once

#include <cstdint>
#include <memory>

#include "fovea/data.h"
#include "fovea/train.h"
#include "options.h"

namespace fovea::cli {

// What is trained on, and what each epoch is judged by.
struct TrainingData {
  std::shared_ptr<const Dataset> train, validation, test;
};

TrainingData open_data(const DataOptions& data, double validation_split, uint64_t seed);

// Of a run kept in a folder, as its config.json says; what `where` says goes before it. Throws as open_dataset does,
// Error(format) for a damaged configuration.
TrainingData open_run_data(const FitOptions& run, const DataOptions& where);

}  // namespace fovea::cli
