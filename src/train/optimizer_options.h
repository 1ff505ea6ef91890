#pragma once

#include "fovea/optim.h"
#include "train/option_fields.h"

namespace fovea {

// Point into `options`.
OptionFields fields_of(OptimizerOptions& options);

// With the defaults of the optimiser of that name. Throws Error(usage) suggesting the nearest.
OptimizerOptions default_optimizer(const std::string& name);

}  // namespace fovea
