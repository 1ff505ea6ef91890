#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "fovea/train.h"

namespace fovea {

struct RangeTestOptions {
  double from = 1e-6;  // learning rates
  double to = 10;
  int64_t steps = 100;
};

struct RangeTest {
  std::vector<double> rates{};   // of each step, ascending evenly on a logarithmic scale
  std::vector<double> losses{};  // averaged over the steps before: 0.9 of what was, 0.1 of the new, its bias corrected
  double steepest = 0;           // the rate at which the loss falls fastest
  double suggested = 0;          // a tenth of the rate with the lowest loss
};

// The learning rate range test (Smith 2017, cyclical learning rates): trains a copy of the model by the options while
// the rate grows from step to step, until the loss is four times the lowest so far, or not finite. The model stays as
// it is, and so does the disk. Throws as fit does; Error(usage) unless 0 < from < to and steps >= 10;
// Error(failure) when the loss is not finite within the first steps.
RangeTest find_learning_rate(const Model& model, std::shared_ptr<const Dataset> train, const FitOptions& options,
                             const RangeTestOptions& range = {});

}  // namespace fovea
