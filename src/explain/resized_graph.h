#pragma once

#include "fovea/graph.h"

namespace fovea {

// The nodes up to and with `last` of a network with one input, over an input of another extent {H, W, C}; the output is
// `last`. The parameters stay what they are. Throws Error(format) naming the node that does not take the new extent.
Graph resized_graph(const Graph& graph, const Shape& input, int last);

}  // namespace fovea
