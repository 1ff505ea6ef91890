#pragma once

#include <string>

#include "fovea/graph.h"

namespace fovea {

// A network as a picture: self-contained SVG, from the input at the top to the output, in columns where it is long.
// A box is a convolution, dense layer, pool or join, with the norms and activations around it as further lines; it says
// its name, its options in the words of the text form, its output's shape (without the batch) and its parameters.
// Colours tell the kinds; edges into sums (shortcuts) and concatenations have colours of their own.
std::string to_svg(const Graph& graph, const std::string& title);

}  // namespace fovea
