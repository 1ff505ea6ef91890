#include "explain/resized_graph.h"

#include <fmt/format.h>

#include <vector>

#include "explain/picture_input.h"
#include "fovea/error.h"

namespace fovea {

Graph resized_graph(const Graph& graph, const Shape& input, int last) {
  const int entrance = only_input(graph);
  std::deque<Node> nodes(graph.nodes().begin(), graph.nodes().begin() + last + 1);
  for (int i = 0; i <= last; ++i) {
    Node& node = nodes[static_cast<size_t>(i)];
    if (i == entrance) node.shape = Shape{1, input[0], input[1], input[2]};
    if (!node.op) continue;
    std::vector<Shape> shapes;
    for (const int k : node.inputs) shapes.push_back(nodes[static_cast<size_t>(k)].shape);
    const auto refuse = [&](std::string_view why) {
      throw Error(ErrorKind::format, fmt::format("node '{}' ({}) does not take pictures of {}x{}: {}", node.name,
                                                 node.op->type(), input[0], input[1], why));
    };
    std::vector<ParameterSpec> parameters;
    try {
      node.shape = node.op->infer(shapes);
      parameters = node.op->parameters(shapes);
    } catch (const Error& error) {
      refuse(error.what());
    }
    for (size_t p = 0; p < parameters.size(); ++p) {
      const Shape& own = graph.parameters()[static_cast<size_t>(node.parameters[p])].shape;
      if (parameters[p].shape == own) continue;
      refuse(fmt::format("it would need a parameter of {}, it has {}", to_string(parameters[p].shape), to_string(own)));
    }
  }
  return {std::move(nodes), graph.parameters(), last};
}

}  // namespace fovea
