#pragma once

#include <vector>

#include "fovea/graph.h"

namespace fovea {

// The graph with identities dropped and each chain of ops that one kernel can do made one node, named after the chain's
// last node. Nodes that are `kept` stay as they are. Its parameters are the graph's.
// `shapes`: of every node, with the batch it will run with.
Graph fuse(const Graph& graph, const std::vector<Shape>& shapes, const std::vector<bool>& kept, bool training);

}  // namespace fovea
