#pragma once

#include <string>
#include <vector>

#include "fovea/graph.h"

namespace fovea {

// What a node is drawn as.
enum class NodeKind { input, weighted, pool, pointwise, sum, concatenation, other };

NodeKind kind_of(const Graph& graph, int index);

// Nodes that are drawn as one: a convolution or dense layer with the pointwise ops (norm, activation, dropout) that
// alone come before or after it; or any other node with the pointwise ops after it.
struct GraphBox {
  std::vector<int> nodes;  // each follows the one before
  int main = 0;            // the node that is not pointwise, or the first
};

struct GraphBoxes {
  std::vector<GraphBox> boxes;  // in the graph's order of their last nodes
  std::vector<int> box_of;      // of each node
};

GraphBoxes group_nodes(const Graph& graph);

}  // namespace fovea
