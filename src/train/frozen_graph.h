#pragma once

#include <span>

#include "fovea/graph.h"
#include "fovea/optim.h"

namespace fovea {

// The network as training has it: parameters that are not trained get no gradient, nor do the values that only these
// depend on, and batch norms none of whose parameters are trained work as in inference. scales: of each parameter.
Graph freeze(const Graph& network, std::span<const ParameterScale> scales);

}  // namespace fovea
