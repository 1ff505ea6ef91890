#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "fovea/model.h"
#include "fovea/optim.h"
#include "fovea/safetensors.h"
#include "fovea/train.h"

namespace fovea {

// Everything beside parameters and optimiser that the next step depends on, or that the run's records are made of.
struct TrainingState {
  // What the order of items depends on: a run can only be resumed with the same.
  uint64_t seed = 0;
  int64_t batch = 0;
  int64_t items = 0;  // in the training set

  int64_t epoch = 0;    // finished ones
  int64_t step = 0;     // steps done of the current one; after the last, validation is still to come
  double loss_sum = 0;  // of the current epoch's steps
  int64_t correct = 0;  // items of the current epoch whose class won
  double seconds = 0;   // spent on the current epoch's steps
  History history{};
};

// Adds the tensors, as "optimizer.*", and the metadata "fovea.training" (JSON) to a model file.
void save_checkpoint(const std::filesystem::path& path, const Model& model, std::span<const OptimizerTensor> tensors,
                     const TrainingState& state);

// Both throw Error(format), naming the file, for anything that save_checkpoint would not have written.
TrainingState read_training_state(const SafetensorsFile& file, const std::string& source);
void read_training_tensors(const SafetensorsFile& file, const std::string& source,
                           std::span<const OptimizerTensor> tensors);

}  // namespace fovea
