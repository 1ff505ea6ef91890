#include "explain/graph_boxes.h"

#include <algorithm>

namespace fovea {

namespace {

bool is_weighted(const Graph& graph, const Node& node) {
  return std::ranges::any_of(node.parameters,
                             [&](int p) { return graph.parameters()[static_cast<size_t>(p)].fill == Fill::weight; });
}

std::vector<int> reader_counts(const Graph& graph) {
  std::vector<int> counts(graph.nodes().size());
  for (const Node& node : graph.nodes()) {
    for (const int input : node.inputs) ++counts[static_cast<size_t>(input)];
  }
  return counts;
}

}  // namespace

NodeKind kind_of(const Graph& graph, int index) {
  const Node& node = graph.node(index);
  if (!node.op) return NodeKind::input;
  const std::string_view type = node.op->type();
  if (type == "concatenate") return NodeKind::concatenation;
  if (node.inputs.size() != 1) return type == "add" || type == "multiply" ? NodeKind::sum : NodeKind::other;
  if (is_weighted(graph, node)) return NodeKind::weighted;
  if (type.find("pool") != std::string_view::npos) return NodeKind::pool;
  const Shape& input = graph.node(node.inputs.front()).shape;
  const bool same_size = input.elements() == node.shape.elements();
  return same_size && node.op->window().extent.empty() ? NodeKind::pointwise : NodeKind::other;
}

GraphBoxes group_nodes(const Graph& graph) {
  const std::vector<int> readers = reader_counts(graph);
  const size_t count = graph.nodes().size();
  std::vector<GraphBox> boxes;
  std::vector<size_t> box_of(count);
  for (size_t i = 0; i < count; ++i) {
    const int index = static_cast<int>(i);
    const Node& node = graph.nodes()[i];
    const NodeKind kind = kind_of(graph, index);
    if (node.inputs.size() == 1 && readers[static_cast<size_t>(node.inputs[0])] == 1) {
      const size_t before = box_of[static_cast<size_t>(node.inputs[0])];
      const NodeKind host = kind_of(graph, boxes[before].main);
      const bool joins = kind == NodeKind::pointwise ? host != NodeKind::input
                                                     : kind == NodeKind::weighted && host == NodeKind::pointwise;
      if (joins) {
        boxes[before].nodes.push_back(index);
        if (kind == NodeKind::weighted) boxes[before].main = index;
        box_of[i] = before;
        continue;
      }
    }
    box_of[i] = boxes.size();
    boxes.push_back({{index}, index});
  }

  // Every box after those that it reads.
  GraphBoxes result;
  std::ranges::sort(boxes, {}, [](const GraphBox& box) { return box.nodes.back(); });
  result.box_of.resize(count);
  for (size_t b = 0; b < boxes.size(); ++b) {
    for (const int node : boxes[b].nodes) result.box_of[static_cast<size_t>(node)] = static_cast<int>(b);
  }
  result.boxes = std::move(boxes);
  return result;
}

}  // namespace fovea
