#include "explain/picture_input.h"

#include <fmt/format.h>

#include <vector>

#include "fovea/error.h"

namespace fovea {

int only_input(const Graph& graph) {
  const std::vector<int> inputs = graph.inputs();
  if (inputs.size() == 1) return inputs[0];
  throw Error(ErrorKind::format,
              fmt::format("a network that looks at pictures has one input, this one has {}", inputs.size()));
}

std::string picture_input(const Model& model) {
  const Node& input = model.graph().node(only_input(model.graph()));
  const Preprocessing& p = model.preprocessing;
  if (p.height == 0) {
    throw Error(ErrorKind::format, "the model says nothing about how pictures are prepared for it (no preprocessing)");
  }
  if (input.shape == Shape{1, p.height, p.width, p.channels}) return input.name;
  throw Error(ErrorKind::format, fmt::format("the network takes {}, but its preprocessing gives {}x{}x{}",
                                             to_string(input.shape.without_batch()), p.height, p.width, p.channels));
}

}  // namespace fovea
