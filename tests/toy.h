#pragma once

#include <memory>

#include "fovea/data.h"
#include "fovea/train.h"

// A classification problem that a small network learns in a second.
namespace fovea {

// Grey pictures of 8x8 under noise: horizontal stripes, vertical stripes or a chequerboard, at a random shift.
std::shared_ptr<const Dataset> toy_dataset(int64_t size, uint64_t seed);

// Convolution, batch norm, ReLU, max pooling, dropout, dense: every kind of state that training has.
Model toy_model(uint64_t seed);

FitOptions toy_options();

}  // namespace fovea
