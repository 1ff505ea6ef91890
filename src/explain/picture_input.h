#pragma once

#include <string>

#include "fovea/model.h"

namespace fovea {

// The number of the only input. Throws Error(format) when there are several.
int only_input(const Graph& graph);

// The name of the only input. Throws Error(format) also when the model says nothing about how pictures are prepared for
// it, or something else than what the input takes.
std::string picture_input(const Model& model);

}  // namespace fovea
