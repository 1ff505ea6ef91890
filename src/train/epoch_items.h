#pragma once

#include <memory>
#include <vector>

#include "fovea/data.h"
#include "fovea/preprocessing.h"
#include "fovea/random.h"
#include "fovea/train.h"

namespace fovea {

// The training pictures as one epoch sees them, augmented, and the order it takes them in.
struct EpochItems {
  std::shared_ptr<const Dataset> pictures;
  std::vector<int64_t> order;
};

// `orders` is the stream of the orders of all epochs. Pictures are decoded only as large as they are needed.
EpochItems epoch_items(const std::shared_ptr<const Dataset>& train, const Preprocessing& preprocessing,
                       const FitOptions& options, const Random& orders, uint64_t epoch);

}  // namespace fovea
