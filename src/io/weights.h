#pragma once

#include <functional>
#include <map>
#include <string>

#include "fovea/graph.h"

namespace fovea {

using NamedShapes = std::map<std::string, Shape, std::less<>>;

// Throws Error(format), opening with `source` and listing names, unless there is a tensor of the right shape for every
// parameter, those that start with `skip` excepted, and nothing else but what training leaves behind.
void check_weights(const NamedShapes& tensors, const Graph& graph, const std::string& skip, const std::string& source);

}  // namespace fovea
