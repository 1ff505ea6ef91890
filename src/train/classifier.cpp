#include "train/classifier.h"

#include <fmt/format.h>

#include "fovea/error.h"

namespace fovea {

Classifier find_classifier(const Model& model, const Dataset& dataset) {
  const Graph& graph = model.graph();
  if (dataset.size() == 0) throw Error(ErrorKind::usage, fmt::format("{}: no pictures", dataset.describe()));
  const std::vector<int> inputs = graph.inputs();
  if (inputs.size() != 1) {
    throw Error(ErrorKind::format, fmt::format("a classifier has one input, this network has {}", inputs.size()));
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
  const Node& output = graph.node(graph.output_node());
  const auto classes = std::ssize(dataset.class_names());
  if (output.shape != Shape{1, classes}) {
    throw Error(ErrorKind::format, fmt::format("node '{}' gives {}, the data set has {} classes", output.name,
                                               to_string(output.shape.without_batch()), classes));
  }
  const bool normalised = output.op && (output.op->type() == "softmax" || output.op->type() == "log_softmax");
  return {input.name, normalised ? graph.node(output.inputs[0]).name : output.name, classes};
}

std::string describe_non_finite(Session& session) {
  const std::optional<std::string> node = session.find_non_finite();
  return node ? fmt::format("'{}' is the first node with a NaN or an infinity", *node)
              : std::string("all nodes are finite when run again");
}

}  // namespace fovea
