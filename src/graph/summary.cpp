#include "fovea/summary.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "core/saturate.h"
#include "graph/option_words.h"

namespace fovea {

namespace {

SummaryRow row(const Graph& graph, int index) {
  const Node& node = graph.node(index);
  const Cost cost = graph.cost(index);
  return {.node = node.name,
          .op = node.op ? std::string(node.op->type()) : "input",
          .options = node.op ? option_words(node.op->attributes()) : "",
          .output = node.shape.without_batch(),
          .parameters = cost.parameters,
          .multiply_adds = cost.multiply_adds,
          .receptive_field = graph.receptive_field(index),
          .activation_bytes = node.shape.elements() * static_cast<int64_t>(sizeof(float))};
}

// Rows or columns at the end of an axis that the picture has and no window reaches. What a stride wider than the
// window skips between windows is no border.
int64_t unused_border(int64_t input, int64_t output, int64_t extent, int64_t stride, int64_t before) {
  const int64_t covered = (output - 1) * stride + extent;
  return std::max<int64_t>(input + before - covered - std::max<int64_t>(stride - extent, 0), 0);
}

// "node 'conv1' (conv): windows of 3 with stride 3 do not tile a height of 7: (7 - 3)/3 + 1 = 2.33; 1 row unused"
void warn_of_unused_border(const Graph& graph, const Node& node, std::vector<std::string>& warnings) {
  const Window window = node.op->window();
  const Attributes attributes = node.op->attributes();
  const auto padding = attributes.find("padding");  // {before, after} of each axis
  const auto same = attributes.find("same");
  if (window.extent.empty() || padding == attributes.end()) return;
  if (same != attributes.end() && std::get<bool>(same->second)) return;
  const auto& sides = std::get<std::vector<int64_t>>(padding->second);
  const Shape& input = graph.node(node.inputs.front()).shape;
  for (size_t axis = 0; axis < window.extent.size(); ++axis) {
    const int dim = static_cast<int>(axis) + 1;
    const int64_t extent = window.extent[axis];
    const int64_t stride = window.stride[axis];
    const int64_t unused = unused_border(input[dim], node.shape[dim], extent, stride, sides[2 * axis]);
    if (unused == 0) continue;
    const int64_t padded = input[dim] + sides[2 * axis] + sides[2 * axis + 1];
    warnings.push_back(fmt::format(
        "node '{}' ({}): windows of {} with stride {} do not tile the {} {}: ({} - {})/{} + 1 = {:.2f}; the last {} "
        "unused",
        node.name, node.op->type(), extent, stride, padded, axis == 0 ? "rows" : "columns", padded, extent, stride,
        static_cast<double>(padded - extent) / static_cast<double>(stride) + 1,
        unused == 1 ? "one is" : fmt::format("{} are", unused)));
  }
}

void warn_of_dead_nodes(const Graph& graph, std::vector<std::string>& warnings) {
  std::vector<bool> used(graph.nodes().size());
  if (graph.output_node() >= 0) used[static_cast<size_t>(graph.output_node())] = true;
  for (size_t i = used.size(); i-- > 0;) {
    if (!used[i]) continue;
    for (const int input : graph.nodes()[i].inputs) used[static_cast<size_t>(input)] = true;
  }
  for (size_t i = 0; i < used.size(); ++i) {
    if (!used[i]) warnings.push_back(fmt::format("node '{}' does not reach the output", graph.nodes()[i].name));
  }
}

}  // namespace

Summary summarize(const Graph& graph) {
  Summary summary;
  for (size_t i = 0; i < graph.nodes().size(); ++i) {
    summary.rows.push_back(row(graph, static_cast<int>(i)));
    const SummaryRow& added = summary.rows.back();
    summary.multiply_adds = saturating_add(summary.multiply_adds, added.multiply_adds);
    summary.activation_bytes += added.activation_bytes;
    if (graph.nodes()[i].op) warn_of_unused_border(graph, graph.nodes()[i], summary.warnings);
  }
  for (const ParameterSpec& spec : graph.parameters()) {
    (spec.trainable ? summary.parameters : summary.untrained_parameters) += spec.shape.elements();
  }
  summary.parameter_bytes = (summary.parameters + summary.untrained_parameters) * static_cast<int64_t>(sizeof(float));
  warn_of_dead_nodes(graph, summary.warnings);
  return summary;
}

}  // namespace fovea
