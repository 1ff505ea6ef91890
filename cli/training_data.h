#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "command_line.h"
#include "fovea/data.h"
#include "fovea/train.h"
#include "options.h"

namespace fovea::cli {

// What is trained on, and what each epoch is judged by.
struct TrainingData {
  std::shared_ptr<const Dataset> train, validation, test;
};

// Which of the training pictures are used, and what for.
struct SplitOptions {
  double validation = 0;  // fraction held out to judge epochs by; 0: these are judged by the test set
  std::string fold{};     // "2/5": one of so many equal parts is held out instead
  int64_t items = 0;      // of those left, so many are trained on; 0: all

  // --validation-split, --fold, --train-items.
  void add(CLI::App& command);
};

// Both parts have of each class its share, chosen by the seed. Throws Error(usage) for a senseless split.
TrainingData open_data(const DataOptions& data, const SplitOptions& split, uint64_t seed);

// What the data sets warn of, each line once, and training classes with no picture or a single one.
std::vector<std::string> data_warnings(const TrainingData& data);

// Of a run kept in a folder, as its config.json says; what `where` says goes before it. Throws as open_dataset does,
// Error(format) for a damaged configuration.
TrainingData open_run_data(const FitOptions& run, const DataOptions& where);

}  // namespace fovea::cli
