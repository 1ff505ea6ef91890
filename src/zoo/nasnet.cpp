// NASNet-A (Zoph et al. 2018, figure 4): cells of separable convolutions and pools that a search found, each fed by the
// two cells before it. Names, and details that the paper leaves open, are Keras's. Mobile is 4 @ 1056 (cells in each
// stage, channels at the end), Large 6 @ 4032.
#include <fmt/format.h>

#include <string>

#include "zoo/blocks.h"
#include "zoo/networks.h"

namespace fovea::zoo {

namespace {

constexpr BatchNormOptions norm = {.epsilon = 1e-3, .momentum = 1 - 0.9997};

// Where names of a cell come from: at("normal_left1") is "normal_left1_7" in cell 7.
struct Cell {
  const Scope& scope;
  std::string number;
  int64_t filters;
  Scope at(const std::string& name) const { return scope / fmt::format("{}_{}", name, number); }
};

// Two times ReLU, depthwise, 1x1; the first depthwise convolution strides. `name` is "normal_left1".
Value separable(const Cell& cell, const std::string& name, Value x, int64_t kernel, int64_t stride = 1) {
  for (const char* const layer : {"separable_conv_1", "separable_conv_2"}) {
    ConvOptions spatial = depthwise(x.shape().back(), kernel, stride);
    spatial.padding = Padding::same();
    spatial.bias = false;
    const Scope separable_conv = cell.at(fmt::format("{}_{}", layer, name));
    x = conv(separable_conv / "depthwise", relu(x), spatial);
    x = conv_norm(separable_conv / "pointwise", cell.at(fmt::format("{}_bn_{}", layer, name)), x,
                  {.filters = cell.filters}, norm);
    stride = 1;
  }
  return x;
}

Value projected(const Cell& cell, const std::string& name, const std::string& norm_name, Value x) {
  return conv_norm(cell.at(name), cell.at(norm_name), relu(x), {.filters = cell.filters}, norm);
}

// `previous` in the extent and channels of `x`: every second pixel of it beside every second pixel of it moved by one,
// where the extent halves.
Value adjusted(const Cell& cell, Value previous, Value x) {
  if (previous.node() == x.node()) return x;  // there is no cell before the first
  if (previous.shape()[2] == x.shape()[2]) {
    if (previous.shape().back() == cell.filters) return previous;
    return projected(cell, "adjust_conv_projection", "adjust_bn", previous);
  }
  previous = relu(previous);
  const Value moved = pad(previous, {{.axis = 1, .before = -1, .after = 1}, {.axis = 2, .before = -1, .after = 1}});
  const ConvOptions half = {.filters = cell.filters / 2, .stride = 2, .bias = false};
  return batch_norm(
      cell.at("adjust_bn"),
      concatenate({conv(cell.at("adjust_conv_1"), previous, half), conv(cell.at("adjust_conv_2"), moved, half)}), norm);
}

// Averages do not count pixels outside the picture.
Value average(Value x) { return avg_pool(x, {.kernel = 3, .stride = 1, .padding = 1, .count_include_pad = false}); }

Value normal_cell(const Cell& cell, Value x, Value previous) {
  const Value p = adjusted(cell, previous, x);
  const Value h = projected(cell, "normal_conv_1", "normal_bn_1", x);
  return concatenate({p, separable(cell, "normal_left1", h, 5) + separable(cell, "normal_right1", p, 3),
                      separable(cell, "normal_left2", p, 5) + separable(cell, "normal_right2", p, 3), average(h) + p,
                      average(p) + average(p), separable(cell, "normal_left5", h, 3) + h});
}

// Halves the extent. Its pools see zeros around the picture.
Value reduction_cell(const Cell& cell, Value x, Value previous) {
  const Value p = adjusted(cell, previous, x);
  const Value h = projected(cell, "reduction_conv_1", "reduction_bn_1", x);
  const auto same = [&](int axis) { return AxisPadding{axis, h.shape()[axis] % 2, 1}; };
  const Value padded = pad(h, {same(1), same(2)});
  const Value maximum = max_pool(padded, {.kernel = 3, .stride = 2});
  const Value a = separable(cell, "reduction_left1", h, 5, 2) + separable(cell, "reduction_right1", p, 7, 2);
  const Value b = maximum + separable(cell, "reduction_right2", p, 7, 2);
  const Value c = avg_pool(padded, {.kernel = 3, .stride = 2}) + separable(cell, "reduction_right3", p, 5, 2);
  return concatenate({b, c, average(a) + b, separable(cell, "reduction_left4", a, 3) + maximum});
}

struct Config {
  int cells;             // in each of the three stages
  int64_t last;          // channels at the end
  int64_t stem;          // filters of the first convolution
  bool skips_reduction;  // the first cell of a stage is fed by the one before the reduction cell
};

ZooBuilder network(const Config& config) {
  return [=](const Scope& scope, Value x, const ZooOptions& options) {
    int64_t filters = config.last / 24;
    x = conv_norm(scope / "stem_conv1", scope / "stem_bn1", x, {.filters = config.stem, .kernel = 3, .stride = 2},
                  norm);
    Value previous = x;
    // Every cell is fed by its two predecessors.
    const auto advance = [&](Value y) {
      previous = x;
      x = y;
    };
    advance(reduction_cell({scope, "stem_1", filters / 4}, x, x));
    advance(reduction_cell({scope, "stem_2", filters / 2}, x, previous));
    for (int stage = 0; stage < 3; ++stage) {
      const int first = stage * config.cells;
      if (stage > 0) {
        filters *= 2;
        const Value before = previous;
        advance(reduction_cell({scope, fmt::format("reduce_{}", first), filters}, x, previous));
        if (config.skips_reduction) previous = before;
      }
      for (int i = 0; i < config.cells; ++i) {
        const int number = first + i + (stage > 0 ? 1 : 0);
        advance(normal_cell({scope, fmt::to_string(number), filters}, x, previous));
      }
    }
    return dense(scope / "predictions", flatten(global_avg_pool(relu(x))), options.classes);
  };
}

}  // namespace

std::vector<ZooEntry> nasnet() {
  constexpr std::string_view source = "Zoph et al. 2018, learning transferable architectures";
  return {imagenet("nasnetmobile", network({4, 1056, 32, false}), source),
          imagenet("nasnetlarge", network({6, 4032, 96, true}), source, 331)};
}

}  // namespace fovea::zoo
