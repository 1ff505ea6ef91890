#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "fovea/graph.h"
#include "fovea/tensor_file.h"

namespace fovea {

using NamedShapes = std::map<std::string, Shape, std::less<>>;

// Throws Error(format), opening with `source` and listing names, unless there is a tensor of the right shape for every
// parameter, those that start with `skip` excepted, and nothing else but what training leaves behind.
void check_weights(const NamedShapes& tensors, const Graph& graph, const std::string& skip, const std::string& source);

// The weights in a file, under the names that the network has for them: a prefix that all of these have in the file
// ("model.") is taken off.
std::vector<StoredTensor> network_weights(const TensorFile& file, const Graph& graph);

}  // namespace fovea
