#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "fovea/train.h"

namespace fovea {

struct BatchTestOptions {
  int64_t memory = 0;  // bytes that training may take; 0: what /proc/meminfo calls available
  double seconds = 1;  // of measuring, for each batch; three steps at least
};

struct MeasuredBatch {
  int64_t batch = 0;
  int64_t bytes = 0;  // planned: activations and gradients, parameters' gradients, state of the optimiser
  double images_per_second = 0;
};

struct BatchTest {
  std::vector<MeasuredBatch> batches{};  // powers of two, ascending, until they are no faster any more
  int64_t suggested = 0;                 // the smallest that reaches 95 % of the highest rate
  int64_t largest = 0;                   // power of two whose plan fits into the memory, or the whole training set
};

// How fast training by the options is with batches of 4, 8, 16 ..., reading pictures aside, and how large they may be.
// A copy of the model is trained, with a rate of zero; the model stays as it is, and so does the disk. Throws as fit
// does; Error(usage) for options that make no sense; Error(failure) when not even the smallest batch fits into the
// memory.
BatchTest find_batch(const Model& model, const std::shared_ptr<const Dataset>& train, const FitOptions& options,
                     const BatchTestOptions& test = {});

}  // namespace fovea
