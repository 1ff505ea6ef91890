#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "fovea/error.h"
#include "fovea/look.h"

namespace fovea::explain {

namespace {

// First and last index along an axis.
struct Span {
  int64_t first, last;
};
using Region = std::array<Span, 2>;  // rows, columns

int64_t padding_before(const Op& op, size_t axis, int64_t input, int64_t output) {
  const Attributes attributes = op.attributes();
  const auto padding = attributes.find("padding");
  if (padding == attributes.end()) return 0;
  const Window window = op.window();
  if (std::get<bool>(attributes.at("same"))) {
    return std::max<int64_t>(0, (output - 1) * window.stride[axis] + window.extent[axis] - input) / 2;
  }
  return std::get<std::vector<int64_t>>(padding->second).at(2 * axis);
}

// What a span of an op's output reads along one axis of its input.
Span read_by(const Op& op, const Span& span, size_t axis, int64_t input, int64_t output) {
  const Window window = op.window();
  if (window.whole) return {0, input - 1};
  if (axis >= window.extent.size()) return span;
  const int64_t extent = window.extent[axis];
  Span read{};
  if (window.upsampling.empty()) {
    const int64_t before = padding_before(op, axis, input, output);
    read = {span.first * window.stride[axis] - before, span.last * window.stride[axis] - before + extent - 1};
  } else {  // in between inputs
    read = {span.first * input / output - extent + 1, span.last * input / output + extent - 1};
  }
  return {std::clamp<int64_t>(read.first, 0, input - 1), std::clamp<int64_t>(read.last, 0, input - 1)};
}

int64_t positions(const Shape& shape) { return shape.rank() == 4 ? shape[1] * shape[2] : 1; }

}  // namespace

Box receptive_box(const Graph& graph, const std::string& layer, int64_t row, int64_t column) {
  const int node = graph.find(layer);
  const Shape& shape = graph.node(node).shape;
  if (shape.rank() != 4 || row < 0 || row >= shape[1] || column < 0 || column >= shape[2]) {
    throw Error(ErrorKind::usage, fmt::format("'{}' gives {}: there is no position {}, {}", layer,
                                              to_string(shape.without_batch()), row, column));
  }
  std::vector<std::optional<Region>> seen(static_cast<size_t>(node) + 1);
  seen.back() = Region{Span{row, row}, Span{column, column}};
  for (int i = node; i >= 0; --i) {
    const Node& reader = graph.node(i);
    const std::optional<Region> region = seen[static_cast<size_t>(i)];
    if (!region) continue;
    if (!reader.op) return {(*region)[0].first, (*region)[1].first, (*region)[0].last + 1, (*region)[1].last + 1};
    for (const int input : reader.inputs) {
      const Shape& from = graph.node(input).shape;
      const bool gate = positions(from) == 1 && positions(reader.shape) > 1;
      if (from.rank() != 4 || reader.shape.rank() != 4 || gate) continue;
      std::optional<Region>& known = seen[static_cast<size_t>(input)];
      for (size_t axis = 0; axis < 2; ++axis) {
        const int at = static_cast<int>(axis) + 1;
        const Span span = read_by(*reader.op, (*region)[axis], axis, from[at], reader.shape[at]);
        if (!known) known = Region{Span{from[1], -1}, Span{from[2], -1}};
        Span& whole = (*known)[axis];
        whole = {std::min(whole.first, span.first), std::max(whole.last, span.last)};
      }
    }
  }
  throw Error(ErrorKind::usage, fmt::format("'{}' sees no rows and columns of the network's input", layer));
}

}  // namespace fovea::explain
