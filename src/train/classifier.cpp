#include "train/classifier.h"

#include <fmt/format.h>

#include "fovea/error.h"
#include "train/training_loss.h"

namespace fovea {

std::string find_picture_input(const Model& model) {
  const Graph& graph = model.graph();
  const std::vector<int> inputs = graph.inputs();
  if (inputs.size() != 1) {
    throw Error(ErrorKind::format, fmt::format("a network for pictures has one input, this one has {}", inputs.size()));
  }
  const Node& input = graph.node(inputs[0]);
  const Preprocessing& p = model.preprocessing;
  if (p.height == 0) {
    throw Error(ErrorKind::usage, "the model does not say how pictures become its input: set model.preprocessing");
  }
  if (const Shape given{1, p.height, p.width, p.channels}; input.shape != given) {
    throw Error(ErrorKind::format,
                fmt::format("node '{}' takes {}, the preprocessing gives {}", input.name,
                            to_string(input.shape.without_batch()), to_string(given.without_batch())));
  }
  return input.name;
}

Classifier find_classifier(const Model& model, const Dataset& dataset) {
  const Graph& graph = model.graph();
  if (dataset.size() == 0) throw Error(ErrorKind::usage, fmt::format("{}: no pictures", dataset.describe()));
  const std::string input = find_picture_input(model);
  const Node& output = graph.node(graph.output_node());
  const auto classes = std::ssize(dataset.class_names());
  if (output.shape != Shape{1, classes}) {
    throw Error(ErrorKind::format, fmt::format("node '{}' gives {}, the data set has {} classes", output.name,
                                               to_string(output.shape.without_batch()), classes));
  }
  for (const AuxiliaryOutput& auxiliary : graph.auxiliary_outputs()) {
    const Node& node = graph.node(auxiliary.node);
    if (node.shape == output.shape) continue;
    throw Error(ErrorKind::format, fmt::format("auxiliary output '{}' gives {}, the output '{}' {}", node.name,
                                               to_string(node.shape.without_batch()), output.name,
                                               to_string(output.shape.without_batch())));
  }
  return {input, graph.node(logits_node(graph, graph.output_node())).name, classes};
}

std::string describe_non_finite(Session& session) {
  const std::optional<std::string> node = session.find_non_finite();
  return node ? fmt::format("'{}' is the first node with a NaN or an infinity", *node)
              : std::string("all nodes are finite when run again");
}

}  // namespace fovea
