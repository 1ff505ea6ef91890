#pragma once

#include <cstdint>

#include "fovea/model.h"

namespace fovea {

// Moving averages of a model's parameters and running statistics (FitOptions::ema has the formula).
class WeightAverage {
 public:
  // Starts as the model is.
  WeightAverage(const Model& model, double decay) : average_(model), decay_(decay) {}

  // After step `number` (from 1) of the model.
  void update(const Model& model, int64_t number);

  Model& model() { return average_; }
  const Model& model() const { return average_; }

 private:
  Model average_;
  double decay_;
};

}  // namespace fovea
