// Convolutions and pooling: windows that slide over sequences, pictures and volumes.
#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "io/onnx/op_imports.h"
#include "ops/checks.h"

namespace fovea {

namespace {

constexpr int64_t largest = int64_t{1} << 24;  // of any extent, so that sums and products of a few fit

// What all windows have in common: one number for each spatial axis.
struct WindowAttributes {
  std::vector<int64_t> kernel, stride, dilation, before, after;

  std::vector<int64_t> padding() const {  // as the ops have it: before and after, axis by axis
    std::vector<int64_t> sides;
    for (size_t i = 0; i < before.size(); ++i) sides.insert(sides.end(), {before[i], after[i]});
    return sides;
  }
  int64_t extent(size_t axis) const { return (kernel[axis] - 1) * dilation[axis] + 1; }
};

std::vector<int64_t> list_or(const NodeImport& node, const char* name, size_t count, int64_t fallback) {
  std::vector<int64_t> list = node.integers(name);
  if (list.empty()) list.assign(count, fallback);
  require(list.size() == count, "attribute '{}' needs {} numbers, got {}", name, count, list.size());
  for (const int64_t value : list) require(value >= 0 && value <= largest, "attribute '{}' has {}", name, value);
  return list;
}

WindowAttributes read_window(const NodeImport& node, std::vector<int64_t> kernel) {
  const size_t axes = kernel.size();
  WindowAttributes window{.kernel = std::move(kernel),
                          .stride = list_or(node, "strides", axes, 1),
                          .dilation = list_or(node, "dilations", axes, 1),
                          .before = {},
                          .after = {}};
  for (size_t i = 0; i < axes; ++i) {
    require(window.kernel[i] >= 1 && window.kernel[i] <= largest && window.stride[i] >= 1 && window.dilation[i] >= 1,
            "kernel, strides and dilations must be at least 1");
  }
  const std::vector<int64_t> pads = list_or(node, "pads", 2 * axes, 0);
  window.before.assign(pads.begin(), pads.begin() + static_cast<int64_t>(axes));
  window.after.assign(pads.begin() + static_cast<int64_t>(axes), pads.end());
  return window;
}

// Splits padding so that the odd one goes to the end (SAME_UPPER) or the start.
void share_out(int64_t total, bool upper, int64_t& before, int64_t& after) {
  before = upper ? total / 2 : total - total / 2;
  after = total - before;
}

// What auto_pad asks for, from the extents of the input.
void resolve_auto_pad(const NodeImport& node, const std::vector<int64_t>& dims, WindowAttributes& window) {
  const std::string mode = node.text("auto_pad", "NOTSET");
  if (mode == "NOTSET" || mode == "VALID") return;
  require(mode == "SAME_UPPER" || mode == "SAME_LOWER", "auto_pad '{}'", mode);
  for (size_t i = 0; i < window.kernel.size(); ++i) {
    const int64_t input = dims[i + 2];
    const int64_t output = (input + window.stride[i] - 1) / window.stride[i];
    const int64_t total = std::max<int64_t>((output - 1) * window.stride[i] + window.extent(i) - input, 0);
    share_out(total, mode == "SAME_UPPER", window.before[i], window.after[i]);
  }
}

// The output in the file's order, from a value that has channels last.
void output_channels_last(NodeImport& node, Value value) {
  const Order order = channels_last_order(value.shape().rank());
  std::vector<int64_t> dims(order.size());
  for (size_t k = 0; k < order.size(); ++k) {
    dims[static_cast<size_t>(order[k])] = value.shape()[static_cast<int>(k)];
  }
  node.output(0, dims, order, value);
}

Value channels_last(NodeImport& node) {
  Operand& x = node.input(0);
  require(x.rank() >= 3 && x.rank() <= 5, "{{N, C, ...}} with 1 to 3 spatial axes is expected, got {}",
          to_string(Shape(x.dims)));
  return node.network().in_order(x, channels_last_order(x.rank()));
}

// The extents of a weight's spatial axes.
std::vector<int64_t> kernel_of(NodeImport& node) {
  const Shape& weight = node.constant(1, "weights").shape;
  require(weight.rank() == node.input(0).rank(), "weights {} for an input {}", to_string(weight),
          to_string(Shape(node.input(0).dims)));
  return {weight.dims().begin() + 2, weight.dims().end()};
}

std::vector<Weight> weights_of(NodeImport& node, int64_t filters) {
  std::vector<Weight> weights;
  weights.push_back(node.weight(1, node.constant(1, "weights").shape));
  if (node.has_input(2)) weights.push_back(node.weight(2, {filters}));
  return weights;
}

// Of a convolution, transposed or not.
Attributes convolution(const NodeImport& node, const WindowAttributes& window, int64_t filters) {
  return {{"filters", filters},
          {"kernel", window.kernel},
          {"stride", window.stride},
          {"dilation", window.dilation},
          {"padding", window.padding()},
          {"same", false},
          {"groups", node.integer("group", 1)},
          {"bias", node.has_input(2)}};
}

void import_conv(NodeImport& node) {
  const Value x = channels_last(node);
  WindowAttributes window = read_window(node, kernel_of(node));
  resolve_auto_pad(node, node.input(0).dims, window);
  const int64_t filters = node.constant(1, "weights").shape[0];
  output_channels_last(node, node.add("conv", convolution(node, window, filters), {x}, weights_of(node, filters)));
}

// Padding from the output's extents, where they are asked for.
void resolve_output_shape(const NodeImport& node, const std::vector<int64_t>& dims, WindowAttributes& window,
                          std::vector<int64_t>& output_padding) {
  const std::string mode = node.text("auto_pad", "NOTSET");
  std::vector<int64_t> wanted = node.integers("output_shape");
  const size_t axes = window.kernel.size();
  if (wanted.size() == axes + 2) wanted.erase(wanted.begin(), wanted.begin() + 2);
  if (wanted.empty() && (mode == "SAME_UPPER" || mode == "SAME_LOWER")) {
    for (size_t i = 0; i < axes; ++i) wanted.push_back(dims[i + 2] * window.stride[i]);
  }
  if (wanted.empty()) return;
  require(wanted.size() == axes, "output_shape needs {} numbers, got {}", axes, wanted.size());
  for (size_t i = 0; i < axes; ++i) {
    require(wanted[i] >= 1 && wanted[i] <= largest, "output_shape has {}", wanted[i]);
    int64_t total = window.stride[i] * (dims[i + 2] - 1) + output_padding[i] + window.extent(i) - wanted[i];
    if (total < 0) {
      output_padding[i] -= total;
      total = 0;
    }
    share_out(total, mode == "SAME_UPPER", window.before[i], window.after[i]);
  }
}

void import_conv_transpose(NodeImport& node) {
  const Value x = channels_last(node);
  WindowAttributes window = read_window(node, kernel_of(node));
  std::vector<int64_t> output_padding = list_or(node, "output_padding", window.kernel.size(), 0);
  resolve_output_shape(node, node.input(0).dims, window, output_padding);
  const int64_t groups = node.integer("group", 1);
  require(groups >= 1 && groups <= largest, "{} groups", groups);
  const int64_t filters = node.constant(1, "weights").shape[1] * groups;
  Attributes attributes = convolution(node, window, filters);
  attributes.emplace("output_padding", output_padding);
  output_channels_last(node, node.add("conv_transpose", attributes, {x}, weights_of(node, filters)));
}

Attributes pool_attributes(const NodeImport& node, const WindowAttributes& window) {
  return {{"kernel", window.kernel},
          {"stride", window.stride},
          {"padding", window.padding()},
          {"same", false},
          {"ceil_mode", node.integer("ceil_mode", 0) != 0}};
}

WindowAttributes read_pool(NodeImport& node) {
  const std::vector<int64_t> kernel = node.integers("kernel_shape");
  const std::vector<int64_t>& dims = node.input(0).dims;
  require(kernel.size() + 2 == dims.size(), "kernel_shape has {} numbers for an input {}", kernel.size(),
          to_string(Shape(dims)));
  WindowAttributes window = read_window(node, kernel);
  resolve_auto_pad(node, dims, window);
  return window;
}

bool is_dilated(const WindowAttributes& window) {
  return std::ranges::any_of(window.dilation, [](int64_t d) { return d != 1; });
}

// The largest of the pixels that each window sees: a slice with the window's stride for each of its pixels.
Value dilated_max_pool(NodeImport& node, Value x, const WindowAttributes& window) {
  const size_t axes = window.kernel.size();
  std::vector<int64_t> spatial, before = window.before, after = window.after, out;
  int64_t taps = 1;
  for (size_t i = 0; i < axes; ++i) {
    spatial.push_back(static_cast<int64_t>(i) + 1);
    const int64_t ceil = node.integer("ceil_mode", 0) != 0 ? window.stride[i] - 1 : 0;
    after[i] += ceil;
    const int64_t room = x.shape()[static_cast<int>(i) + 1] + before[i] + after[i] - window.extent(i);
    require(room >= 0, "the window does not fit {}", to_string(x.shape()));
    out.push_back(room / window.stride[i] + 1);
    taps = std::min<int64_t>(taps * window.kernel[i], largest);
  }
  require(taps <= 81, "dilated windows of {} pixels are not supported", taps);
  constexpr double lowest = std::numeric_limits<float>::lowest();
  const Attributes sides = {
      {"axes", spatial}, {"before", before}, {"after", after}, {"mode", std::string("constant")}, {"value", lowest}};
  x = node.step("pad", "pad", sides, {x});
  std::optional<Value> y;
  for (int64_t tap = 0; tap < taps; ++tap) {
    std::vector<int64_t> starts(axes), stops(axes);
    int64_t rest = tap;
    for (size_t i = axes; i-- > 0; rest /= window.kernel[i]) {
      starts[i] = rest % window.kernel[i] * window.dilation[i];
      stops[i] = starts[i] + (out[i] - 1) * window.stride[i] + 1;
    }
    const Attributes cut = {{"axes", spatial}, {"starts", starts}, {"stops", stops}, {"steps", window.stride}};
    const Value pixel = node.step("pixel", "slice", cut, {x});
    if (!y) {
      y = pixel;
    } else {
      y = tap + 1 < taps ? node.step("maximum", "maximum", {}, {*y, pixel}) : node.add("maximum", {}, {*y, pixel});
    }
  }
  return *y;
}

void import_max_pool(NodeImport& node) {
  require(!node.has_output(1) || node.network().readers[node.output_name(1)] == 0,
          "the indices of maxima are not supported");
  const Value x = channels_last(node);
  const WindowAttributes window = read_pool(node);
  const Attributes attributes = pool_attributes(node, window);
  if (is_dilated(window)) return output_channels_last(node, dilated_max_pool(node, x, window));
  output_channels_last(node, node.add("max_pool", attributes, {x}));
}

void import_average_pool(NodeImport& node) {
  const Value x = channels_last(node);
  const WindowAttributes window = read_pool(node);
  require(!is_dilated(window), "dilated averages are not supported");
  Attributes attributes = pool_attributes(node, window);
  attributes["count_include_pad"] = node.integer("count_include_pad", 0) != 0;
  output_channels_last(node, node.add("avg_pool", attributes, {x}));
}

void import_global_average_pool(NodeImport& node) {
  output_channels_last(node, node.add("global_avg_pool", {}, {channels_last(node)}));
}

void import_global_max_pool(NodeImport& node) {
  output_channels_last(node, node.add("global_max_pool", {}, {channels_last(node)}));
}

constexpr std::array imports = {
    OpImport{"Conv", import_conv, Layout::spatial, 0b110},
    OpImport{"ConvTranspose", import_conv_transpose, Layout::spatial, 0b110},
    OpImport{"MaxPool", import_max_pool, Layout::spatial},
    OpImport{"AveragePool", import_average_pool, Layout::spatial},
    OpImport{"GlobalAveragePool", import_global_average_pool, Layout::spatial},
    OpImport{"GlobalMaxPool", import_global_max_pool, Layout::spatial},
};

}  // namespace

std::span<const OpImport> window_imports() { return imports; }

}  // namespace fovea
