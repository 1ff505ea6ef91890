#include "fovea/summary.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>

#include "fovea/error.h"
#include "graph/option_words.h"
#include "graph/plan.h"

namespace fovea {

namespace {

constexpr int64_t float_bytes = sizeof(float);

SummaryRow row(const Graph& graph, int index, ReceptiveField field) {
  const Node& node = graph.node(index);
  const Cost cost = graph.cost(index);
  return {.node = node.name,
          .op = node.op ? std::string(node.op->type()) : "input",
          .options = node.op ? option_words(node.op->attributes()) : "",
          .output = node.shape.without_batch(),
          .parameters = cost.parameters,
          .multiply_adds = cost.multiply_adds,
          .receptive_field = std::move(field),
          .activation_bytes = node.shape.elements() * float_bytes};
}

// A window sliding along one axis.
struct Slide {
  int64_t input, before, after;  // picture and padding
  int64_t extent, stride, output;
  bool operator==(const Slide&) const = default;

  // Rows or columns at the end that the picture has and no window reaches. What is not more than a stride wider than
  // the window skips between windows is no border.
  int64_t unused() const {
    const int64_t rest = input + before - (output - 1) * stride - extent;
    return rest > std::max<int64_t>(stride - extent, 0) ? rest : 0;
  }
};

// One for each axis; none for ops that do not slide or whose padding is `same`, which wastes nothing.
std::vector<Slide> slides(const Graph& graph, const Node& node) {
  const Window window = node.op->window();
  const Attributes attributes = node.op->attributes();
  const auto padding = attributes.find("padding");  // {before, after} of each axis
  if (window.extent.empty() || !window.upsampling.empty() || padding == attributes.end()) return {};
  if (const auto same = attributes.find("same"); same != attributes.end() && std::get<bool>(same->second)) return {};
  const auto& sides = std::get<std::vector<int64_t>>(padding->second);
  const Shape& input = graph.node(node.inputs.front()).shape;
  std::vector<Slide> result;
  for (size_t axis = 0; axis < window.extent.size(); ++axis) {
    const int dim = static_cast<int>(axis) + 1;
    result.push_back(
        {input[dim], sides[2 * axis], sides[2 * axis + 1], window.extent[axis], window.stride[axis], node.shape[dim]});
  }
  return result;
}

// "'conv1' uses 6 of 7 rows: (7 - 3)/3 + 1 = 2.33 windows of 3 with stride 3"
void warn_of_unused_border(const std::string& name, const Slide& slide, const char* axis,
                           std::vector<std::string>& warnings) {
  if (slide.unused() == 0) return;
  const int64_t padded = slide.input + slide.before + slide.after;
  const double windows = static_cast<double>(padded - slide.extent) / static_cast<double>(slide.stride) + 1;
  warnings.push_back(fmt::format("'{}' uses {} of {} {}: ({} - {})/{} + 1 = {:.2f} windows of {} with stride {}", name,
                                 slide.input - slide.unused(), slide.input, axis, padded, slide.extent, slide.stride,
                                 windows, slide.extent, slide.stride));
}

void warn_of_unused_borders(const Graph& graph, const Node& node, std::vector<std::string>& warnings) {
  const std::vector<Slide> axes = slides(graph, node);
  if (axes.size() == 1) return warn_of_unused_border(node.name, axes[0], "positions", warnings);
  if (axes.size() == 2 && axes[0] == axes[1]) {
    return warn_of_unused_border(node.name, axes[0], "rows and columns", warnings);
  }
  constexpr std::array names = {"planes", "rows", "columns"};
  for (size_t axis = 0; axis < axes.size(); ++axis) {
    warn_of_unused_border(node.name, axes[axis], names[names.size() - axes.size() + axis], warnings);
  }
}

void warn_of_dead_nodes(const Graph& graph, std::vector<std::string>& warnings) {
  std::vector<bool> used(graph.nodes().size());
  if (graph.output_node() >= 0) used[static_cast<size_t>(graph.output_node())] = true;
  for (const AuxiliaryOutput& auxiliary : graph.auxiliary_outputs()) used[static_cast<size_t>(auxiliary.node)] = true;
  for (size_t i = used.size(); i-- > 0;) {
    if (!used[i]) continue;
    for (const int input : graph.nodes()[i].inputs) used[static_cast<size_t>(input)] = true;
  }
  for (size_t i = 0; i < used.size(); ++i) {
    if (!used[i]) warnings.push_back(fmt::format("'{}' does not reach the output", graph.nodes()[i].name));
  }
}

// Convolutions and dense layers, not norms: what has weights between its inputs and its outputs.
bool is_weighted(const Graph& graph, const Node& node) {
  return std::ranges::any_of(node.parameters, [&](int parameter) {
    return graph.parameters()[static_cast<size_t>(parameter)].fill == Fill::weight;
  });
}

// The most weighted nodes on a way from an input to the output.
int64_t depth(const Graph& graph) {
  std::vector<int64_t> depths;
  for (const Node& node : graph.nodes()) {
    int64_t deepest = 0;
    for (const int input : node.inputs) deepest = std::max(deepest, depths[static_cast<size_t>(input)]);
    depths.push_back(deepest + (is_weighted(graph, node) ? 1 : 0));
  }
  return graph.output_node() < 0 ? 0 : depths[static_cast<size_t>(graph.output_node())];
}

int64_t arena_bytes(const Graph& graph, const SessionOptions& options) {
  return static_cast<int64_t>(Plan(graph, options).memory.floats) * float_bytes;
}

// 0 where one sample alone cannot be trained on: batch norm of a single value.
int64_t training_bytes(const Graph& graph, int64_t parameters) {
  try {
    return parameters * float_bytes +
           arena_bytes(graph, {.training = true, .differentiate = graph.node(graph.output_node()).name});
  } catch (const Error&) {
    return 0;
  }
}

}  // namespace

Totals total(const Graph& graph) {
  Totals totals;
  for (const ParameterSpec& spec : graph.parameters()) {
    (spec.trainable ? totals.parameters : totals.untrained_parameters) += spec.shape.elements();
  }
  totals.parameter_bytes = (totals.parameters + totals.untrained_parameters) * float_bytes;
  totals.multiply_adds = graph.total_cost().multiply_adds;
  totals.layers = std::ranges::count_if(graph.nodes(), [](const Node& node) { return !node.parameters.empty(); });
  totals.depth = depth(graph);
  return totals;
}

Summary summarize(const Graph& graph) {
  Summary summary;
  static_cast<Totals&>(summary) = total(graph);
  std::vector<ReceptiveField> fields = graph.receptive_fields();
  for (size_t i = 0; i < graph.nodes().size(); ++i) {
    summary.rows.push_back(row(graph, static_cast<int>(i), std::move(fields[i])));
    summary.activation_bytes += summary.rows.back().activation_bytes;
    if (graph.nodes()[i].op) warn_of_unused_borders(graph, graph.nodes()[i], summary.warnings);
  }
  warn_of_dead_nodes(graph, summary.warnings);
  if (graph.output_node() < 0) return summary;
  summary.inference_bytes = arena_bytes(graph, {});
  summary.training_bytes = training_bytes(graph, summary.parameters);
  return summary;
}

}  // namespace fovea
