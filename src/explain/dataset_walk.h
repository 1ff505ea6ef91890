#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fovea/data.h"
#include "fovea/model.h"
#include "fovea/session.h"

namespace fovea::explain {

// At most max_items (0: all) of a data set, evenly spaced.
std::vector<int64_t> spread_items(int64_t size, int64_t max_items);

// Runs pictures through the network and gives read() each one's item and row in the session, whose activations of
// `layers` and whose input hold the batch. Throws Error(usage) unless batch >= 1 and the network has one input, which
// its preprocessing fills.
void walk(Model& model, const std::shared_ptr<const Dataset>& dataset, const std::vector<int64_t>& items,
          const std::vector<std::string>& layers, int64_t batch,
          const std::function<void(Session& session, int64_t item, int64_t row)>& read);

}  // namespace fovea::explain
