#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fovea/quantize.h"

namespace fovea {

// Histograms of what the nodes give over the pictures, of all that a group of them gives together. Throws
// Error(failure) naming the node when it is not finite, and as quantize_model does.
std::vector<ValueHistogram> measure_ranges(Model& model, const std::shared_ptr<const Dataset>& pictures,
                                           const std::vector<std::vector<std::string>>& groups,
                                           const QuantizeOptions& options);

}  // namespace fovea
