#pragma once

#include <string>
#include <vector>

#include "fovea/graph.h"

namespace fovea {

// The full name that a graph gives a node's parameter: "conv1.weight", or the node's name alone for an empty one.
std::string default_parameter_name(const std::string& node, const std::string& own);

// The same graph with its parameters under these names, as files from elsewhere have them. Throws Error(format) for a
// name that is empty or occurs twice.
Graph with_parameter_names(const Graph& graph, const std::vector<std::string>& names);

}  // namespace fovea
