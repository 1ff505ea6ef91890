#include <algorithm>
#include <stdexcept>

#include "fovea/ops.h"
#include "op_case_builders.h"

namespace fovea::testing {

namespace {

OpCase conv_case(const std::string& name, const Shape& sample, const ConvOptions& options) {
  return unary(
      name, [=](Value x) { return conv(x.graph(), x, options); }, sample);
}

// A layer and what fuses with it: batch norm, then a shortcut when `residual`, then an activation.
struct Fused {
  bool batch_norm = true;
  bool residual = false;
  Unary activation = {};
};
Value with_tail(Value y, const Fused& fused) {
  Graph& graph = y.graph();
  if (fused.batch_norm) y = batch_norm(Scope(graph) / "bn", y);
  if (fused.residual) y = add(graph.input("shortcut", y.shape().without_batch()), y);
  return fused.activation ? fused.activation(y) : y;
}

OpCase fused_conv_case(const std::string& name, const Shape& sample, const ConvOptions& options, const Fused& fused) {
  const auto build = [=](Graph& graph) {
    return with_tail(conv(Scope(graph) / "conv", graph.input("x", sample), options), fused);
  };
  return tolerance(1e-5, {.name = name, .build = build});  // folding rounds the weights
}

// A pointwise convolution to `filters` channels, and a depthwise one over these.
OpCase expanded_case(const std::string& name, const Shape& sample, int64_t filters, ConvOptions depthwise,
                     const Unary& activation) {
  depthwise.filters = depthwise.groups = filters;
  const auto build = [=](Graph& graph) {
    Value y = conv(Scope(graph) / "expand", graph.input("x", sample), {.filters = filters, .bias = false});
    y = batch_norm(Scope(graph) / "bn1", y);
    if (activation) y = activation(y);
    y = batch_norm(Scope(graph) / "bn2", conv(Scope(graph) / "depthwise", y, depthwise));
    return activation ? activation(y) : y;
  };
  return tolerance(1e-5, {.name = "expanded_" + name, .build = build});
}

OpCase fused_norm_case(const std::string& name, const Shape& sample, const Fused& fused) {
  const auto build = [=](Graph& graph) {
    return with_tail(batch_norm(Scope(graph) / "first", graph.input("x", sample)), fused);
  };
  return {.name = name, .build = build};
}

OpCase depthwise_case(const std::string& name, int64_t side, int64_t channels, int64_t kernel, int64_t stride) {
  return batch_of(1, conv_case("depthwise_" + name, {side, side, channels},
                               {.filters = channels,
                                .kernel = kernel,
                                .stride = stride,
                                .padding = kernel / 2,
                                .groups = channels,
                                .bias = false}));
}

OpCase dense_case(const std::string& name, int64_t channels, int64_t units, bool bias = true) {
  return unary(name, [=](Value x) { return dense(x.graph(), x, units, bias); }, {channels});
}

OpCase max_pool_case(const std::string& name, const Shape& sample, const PoolOptions& options) {
  return unary(
      name, [=](Value x) { return max_pool(x, options); }, sample, Draw::distinct());
}

OpCase avg_pool_case(const std::string& name, const Shape& sample, const PoolOptions& options) {
  return unary(
      name, [=](Value x) { return avg_pool(x, options); }, sample);
}

OpCase adaptive_case(const std::string& name, const Shape& sample, const Extents& output) {
  return unary(
      name, [=](Value x) { return adaptive_avg_pool(Scope(x.graph()) / "pool", x, output); }, sample);
}

OpCase batch_norm_case(const std::string& name, const Shape& sample, const BatchNormOptions& options = {}) {
  return unary(
      name, [=](Value x) { return batch_norm(Scope(x.graph()) / "bn", x, options); }, sample);
}

OpCase layer_norm_case(const std::string& name, const Shape& sample, double epsilon = 1e-5) {
  return unary(
      name, [=](Value x) { return layer_norm(Scope(x.graph()) / "norm", x, epsilon); }, sample);
}

OpCase scale_case(const std::string& name, const Shape& sample) {
  return unary(
      name, [](Value x) { return scale(Scope(x.graph()) / "scale", x); }, sample);
}

OpCase concatenate_case(const std::string& name, const std::vector<Shape>& samples) {
  const auto build = [=](Graph& graph) {
    std::vector<Value> values;
    for (const Shape& sample : samples)
      values.push_back(graph.input(std::string(1, char('a' + values.size())), sample));
    return concatenate(values);
  };
  return {.name = name, .build = build};
}

Value class_loss(Value logits, Value classes) { return cross_entropy(logits, classes); }

std::vector<OpCase> layer_cases() {
  return {
      unary("relu", relu, {5, 7, 3}, Draw::off_zero()),
      unary("relu_flat", relu, {13}, Draw::off_zero()),
      speed(unary("relu_large", relu, {56, 56, 64}, Draw::off_zero())),
      unary(
          "leaky_relu", [](Value x) { return leaky_relu(x, 0.1); }, {5, 7, 3}, Draw::off_zero()),
      speed(unary(
          "leaky_relu_large", [](Value x) { return leaky_relu(x); }, {28, 28, 33}, Draw::off_zero())),
      unary(
          "elu", [](Value x) { return elu(x); }, {5, 7, 3}, Draw::off_zero()),
      unary(
          "elu_alpha", [](Value x) { return elu(x, 0.3); }, {4, 4, 5}, Draw::off_zero()),
      speed(unary(
          "elu_large", [](Value x) { return elu(x); }, {28, 28, 33}, Draw::uniform(-20, 20))),
      unary("sigmoid", sigmoid, {5, 7, 3}),
      unary("sigmoid_saturated", sigmoid, {5, 7, 3}, Draw::uniform(-200, 200)),
      speed(unary("sigmoid_large", sigmoid, {28, 28, 33}, Draw::uniform(-20, 20))),
      unary("tanh", [](Value x) { return tanh(x); }, {5, 7, 3}),
      unary(
          "tanh_saturated", [](Value x) { return tanh(x); }, {5, 7, 3}, Draw::uniform(-200, 200)),
      speed(unary(
          "tanh_large", [](Value x) { return tanh(x); }, {28, 28, 33}, Draw::uniform(-10, 10))),

      unary("relu6", relu6, {5, 7, 3}, Draw::uniform(-4, 9)),
      speed(unary("relu6_large", relu6, {28, 28, 33}, Draw::uniform(-4, 9))),
      unary("hard_sigmoid", hard_sigmoid, {5, 7, 3}, Draw::uniform(-4, 4)),
      speed(unary("hard_sigmoid_large", hard_sigmoid, {28, 28, 33}, Draw::uniform(-4, 4))),
      unary("hard_swish", hard_swish, {5, 7, 3}, Draw::uniform(-4, 4)),
      speed(unary("hard_swish_large", hard_swish, {28, 28, 33}, Draw::uniform(-4, 4))),
      unary("silu", silu, {5, 7, 3}),
      unary("silu_saturated", silu, {5, 7, 3}, Draw::uniform(-100, 100)),
      speed(unary("silu_large", silu, {28, 28, 33}, Draw::uniform(-10, 10))),
      unary("gelu", gelu, {5, 7, 3}, Draw::uniform(-3, 3)),
      unary("gelu_saturated", gelu, {5, 7, 3}, Draw::uniform(-100, 100)),
      speed(unary("gelu_large", gelu, {28, 28, 33}, Draw::uniform(-6, 6))),

      layer_norm_case("layer_norm", {5, 7, 3}),
      batch_of(5, layer_norm_case("layer_norm_flat", {37}, 1e-2)),
      batch_of(1, layer_norm_case("layer_norm_one_position", {1, 1, 70})),
      unary(
          "layer_norm_far_from_zero", [](Value x) { return layer_norm(Scope(x.graph()) / "norm", x); }, {4, 5, 19},
          Draw::uniform(99, 101)),
      speed(layer_norm_case("layer_norm_convnext", {28, 28, 192})),
      scale_case("scale", {5, 7, 3}),
      scale_case("scale_flat", {13}),
      speed(scale_case("scale_convnext", {28, 28, 192})),

      // Extents around those of vectors, and of one.
      max_pool_case("max_pool_one_channel", {5, 6, 1}, {.kernel = 2}),
      max_pool_case("max_pool_6", {6, 10, 6}, {.kernel = 2}),
      batch_of(3, max_pool_case("max_pool_overlap_17", {6, 5, 17}, {.kernel = 3, .stride = 1, .padding = 1})),
      batch_of(1, max_pool_case("max_pool_70", {4, 5, 70}, {.kernel = 2})),
      batch_of(9, max_pool_case("max_pool_many_70", {4, 3, 70}, {.kernel = 2, .stride = 1})),
      avg_pool_case("avg_pool_one_channel", {5, 6, 1}, {.kernel = 2}),
      avg_pool_case("avg_pool_6", {6, 10, 6}, {.kernel = 2}),
      batch_of(3, avg_pool_case("avg_pool_overlap_17", {6, 5, 17}, {.kernel = 3, .stride = 1, .padding = 1})),
      batch_of(1, avg_pool_case("avg_pool_70", {4, 5, 70}, {.kernel = 2})),
      avg_pool_case("avg_pool_gaps", {8, 9, 16}, {.kernel = 2, .stride = 3}),
      speed(batch_of(64, max_pool_case("max_pool_lenet_1", {28, 28, 6}, {.kernel = 2}))),
      speed(batch_of(64, avg_pool_case("avg_pool_lenet_1", {28, 28, 6}, {.kernel = 2}))),
      speed(batch_of(64, avg_pool_case("avg_pool_lenet_2", {10, 10, 16}, {.kernel = 2}))),
      unary("flatten_one_channel", flatten, {3, 4, 1}),
      unary("flatten_one_pixel", flatten, {1, 1, 7}),
      batch_of(1, unary("flatten_tiles", flatten, {5, 7, 33})),
      batch_of(3, unary("softmax_one", softmax, {1})),
      unary("softmax_37", softmax, {37}),
      binary("add_one", add, {1}, {1}),
      binary("add_number", add, {1, 1, 1}, {3, 4, 17}),
      binary("multiply_pixels", multiply, {3, 4, 17}, {3, 4, 1}),
      batch_of(1, binary("multiply_rows", multiply, {3, 4, 6}, {3, 1, 6})),

      conv_case("conv_1x1", {5, 7, 3}, {.filters = 4}),
      conv_case("conv_3x3", {6, 7, 3}, {.filters = 4, .kernel = 3, .padding = 1}),
      conv_case("conv_no_bias", {5, 6, 2}, {.filters = 3, .kernel = 3, .bias = false}),
      conv_case("conv_stride", {7, 8, 3}, {.filters = 5, .kernel = 3, .stride = 2, .padding = 1}),
      conv_case("conv_unequal", {7, 6, 3}, {.filters = 4, .kernel = {3, 2}, .stride = {2, 1}, .padding = {1, 0, 2, 1}}),
      conv_case("conv_dilation", {9, 8, 3}, {.filters = 2, .kernel = 3, .padding = 1, .dilation = {2, 3}}),
      conv_case("conv_groups", {5, 6, 6}, {.filters = 9, .kernel = 3, .padding = 1, .groups = 3}),
      conv_case("conv_groups_of_2", {5, 6, 14}, {.filters = 14, .kernel = 3, .padding = 1, .groups = 7}),
      batch_of(3, conv_case("conv_groups_of_3", {9, 7, 33}, {.filters = 33, .kernel = 3, .padding = 1, .groups = 11})),
      conv_case("conv_groups_of_4", {11, 13, 36}, {.filters = 36, .kernel = 3, .stride = 2, .padding = 1, .groups = 9}),
      conv_case("conv_groups_of_5", {7, 9, 20},
                {.filters = 20, .kernel = {3, 2}, .padding = {1, 0, 2, 1}, .groups = 4, .bias = false}),
      conv_case("conv_groups_of_6", {5, 4, 18}, {.filters = 18, .groups = 3}),
      conv_case("conv_groups_of_7", {5, 4, 14}, {.filters = 14, .kernel = 2, .stride = 3, .groups = 2}),
      batch_of(2, conv_case("conv_groups_of_8", {9, 11, 40},
                            {.filters = 40, .kernel = 3, .padding = 2, .dilation = 2, .groups = 5})),
      conv_case("conv_groups_of_12", {5, 6, 36}, {.filters = 36, .kernel = 3, .padding = 1, .groups = 3}),
      conv_case("conv_groups_unequal", {5, 6, 16}, {.filters = 32, .kernel = 3, .padding = 1, .groups = 4}),
      conv_case("conv_depthwise", {6, 7, 5}, {.filters = 5, .kernel = 3, .padding = 1, .groups = 5}),
      conv_case("conv_depthwise_stride", {7, 7, 3},
                {.filters = 6, .kernel = 3, .stride = 2, .padding = 1, .groups = 3}),
      conv_case("conv_same", {5, 6, 3}, {.filters = 4, .kernel = {4, 3}, .padding = Padding::same()}),
      conv_case("conv_same_stride", {7, 6, 3}, {.filters = 4, .kernel = 3, .stride = 2, .padding = Padding::same()}),
      conv_case("conv_one_channel", {9, 8, 1}, {.filters = 6, .kernel = 5, .padding = 2}),
      conv_case("conv_whole_picture", {4, 4, 3}, {.filters = 5, .kernel = 4}),
      conv_case("conv_wide_padding", {3, 3, 2}, {.filters = 3, .kernel = 2, .padding = 2}),
      conv_case("conv_row", {1, 9, 3}, {.filters = 4, .kernel = {1, 3}, .padding = {0, 1}}),
      conv_case("conv_one_pixel", {1, 1, 1}, {.filters = 1}),
      conv_case("conv_stride_beyond_kernel", {9, 10, 3}, {.filters = 4, .kernel = 2, .stride = 3}),
      conv_case("conv_1x1_stride", {7, 8, 3}, {.filters = 4, .stride = 2}),
      conv_case("conv_1x1_wide", {3, 5, 33}, {.filters = 41}),
      conv_case("conv_3x3_valid", {7, 5, 16}, {.filters = 32, .kernel = 3}),
      conv_case("conv_3x3_stride", {9, 8, 5}, {.filters = 6, .kernel = 3, .stride = {2, 3}, .padding = 1}),
      batch_of(5, conv_case("conv_5x5_to_one_pixel", {5, 5, 16}, {.filters = 19, .kernel = 5})),
      conv_case("conv_dilation_both", {9, 10, 4}, {.filters = 7, .kernel = {2, 3}, .padding = 1, .dilation = {3, 2}}),
      conv_case("conv_groups_stride_dilation", {11, 12, 8},
                {.filters = 4, .kernel = 3, .stride = 2, .padding = 2, .dilation = 2, .groups = 2}),
      conv_case("conv_groups_multiplier", {6, 5, 3}, {.filters = 6, .kernel = 3, .groups = 3}),
      conv_case("conv_depthwise_wide", {7, 6, 19}, {.filters = 19, .kernel = 3, .padding = 1, .groups = 19}),
      conv_case("conv_depthwise_5x5", {8, 9, 6}, {.filters = 6, .kernel = 5, .stride = 2, .padding = 2, .groups = 6}),
      conv_case("conv_depthwise_dilation", {8, 9, 3},
                {.filters = 3, .kernel = 3, .padding = {1, 2, 0, 3}, .dilation = 2, .groups = 3, .bias = false}),
      conv_case("conv_kernel_beyond_picture", {3, 2, 4}, {.filters = 3, .kernel = 7, .padding = 3}),
      speed(conv_case("conv_many_pixels", {40, 40, 3}, {.filters = 16, .kernel = 3, .padding = 1})),
      conv_case("conv_odd_channels", {7, 9, 19}, {.filters = 35, .kernel = 3, .padding = 1}),
      conv_case("conv_many_filters", {6, 6, 32}, {.filters = 64, .kernel = 3, .padding = 1}),
      tolerance(1e-5, conv_case("conv_3x3_tiles", {17, 23, 16}, {.filters = 16, .kernel = 3, .padding = 1})),
      batch_of(1, conv_case("conv_single", {9, 11, 8}, {.filters = 16, .kernel = 3, .padding = 1})),
      speed(batch_of(64, conv_case("conv_lenet_c1", {32, 32, 1}, {.filters = 6, .kernel = 5}))),
      speed(batch_of(64, conv_case("conv_lenet_c3", {14, 14, 6}, {.filters = 16, .kernel = 5}))),
      speed(conv_case("conv_resnet_stem", {56, 56, 3}, {.filters = 64, .kernel = 7, .stride = 2, .padding = 3})),
      speed(tolerance(2e-5, conv_case("conv_resnet_64", {28, 28, 64}, {.filters = 64, .kernel = 3, .padding = 1}))),
      speed(tolerance(2e-5, conv_case("conv_resnet_256", {7, 7, 256}, {.filters = 256, .kernel = 3, .padding = 1}))),
      speed(conv_case("conv_resnet_down", {28, 28, 64}, {.filters = 128, .stride = 2, .bias = false})),
      speed(depthwise_case("mobilenet_112x32", 112, 32, 3, 1)),
      speed(depthwise_case("mobilenet_112x96_stride", 112, 96, 3, 2)),
      speed(depthwise_case("mobilenet_56x144", 56, 144, 3, 1)),
      speed(depthwise_case("mobilenet_56x144_stride", 56, 144, 3, 2)),
      speed(depthwise_case("mobilenet_28x192", 28, 192, 3, 1)),
      speed(depthwise_case("mobilenet_14x576", 14, 576, 3, 1)),
      speed(depthwise_case("mobilenet_7x960", 7, 960, 3, 1)),
      speed(batch_of(4, depthwise_case("mobilenet_many_56x144", 56, 144, 3, 1))),
      speed(depthwise_case("efficientnet_28x240", 28, 240, 5, 1)),
      speed(depthwise_case("efficientnet_56x144_stride", 56, 144, 5, 2)),
      speed(depthwise_case("efficientnet_7x1152", 7, 1152, 5, 1)),
      speed(depthwise_case("convnext_56x96", 56, 96, 7, 1)),
      speed(depthwise_case("convnext_28x192", 28, 192, 7, 1)),
      speed(depthwise_case("convnext_14x384", 14, 384, 7, 1)),
      speed(depthwise_case("convnext_7x768", 7, 768, 7, 1)),
      speed(conv_case("conv_mobilenet", {56, 56, 32}, {.filters = 32, .kernel = 3, .padding = 1, .groups = 32})),

      // Winograd's transforms round more than plain sums do: errors are up to 3e-6 of the largest output.
      tolerance(1e-5, batch_of(3, conv_case("conv_winograd_unequal", {13, 11, 35},
                                            {.filters = 19, .kernel = 3, .padding = {0, 2, 1, 3}, .bias = false}))),
      tolerance(1e-5, batch_of(40, conv_case("conv_winograd_small", {3, 2, 17},
                                             {.filters = 33, .kernel = 3, .padding = {2, 1, 1, 2}}))),
      tolerance(1e-5, batch_of(2, conv_case("conv_winograd_wide_padding", {9, 12, 24},
                                            {.filters = 40, .kernel = 3, .padding = {4, 5, 3, 6}}))),
      tolerance(1e-5, batch_of(2, conv_case("conv_winograd_blocks", {44, 61, 16}, {.filters = 48, .kernel = 3}))),
      conv_case("conv_direct_blocks", {37, 41, 1}, {.filters = 7, .kernel = {4, 3}, .padding = {3, 0, 1, 5}}),
      conv_case("conv_direct_wide", {3, 700, 3}, {.filters = 5, .kernel = 3, .padding = 1, .bias = false}),
      batch_of(19, conv_case("conv_direct_pictures", {7, 5, 8}, {.filters = 7, .kernel = 3, .padding = {0, 1}})),
      batch_of(3, conv_case("conv_direct_dilation", {11, 13, 4}, {.filters = 8, .kernel = 3, .dilation = {2, 3}})),
      fused_conv_case("fused_conv_norm", {6, 5, 3}, {.filters = 11, .kernel = 3}, {}),
      fused_conv_case("fused_conv_norm_add_relu", {7, 9, 19}, {.filters = 35, .kernel = 3, .padding = 1, .bias = false},
                      {.residual = true, .activation = relu}),
      fused_conv_case("fused_conv_groups_norm_add_relu", {7, 9, 24},
                      {.filters = 24, .kernel = 3, .padding = 1, .groups = 6, .bias = false},
                      {.residual = true, .activation = relu}),
      fused_conv_case("fused_conv_groups_tanh", {5, 6, 9}, {.filters = 9, .kernel = 3, .groups = 3},
                      {.batch_norm = false, .activation = tanh}),
      fused_conv_case("fused_conv_add", {5, 6, 8}, {.filters = 16}, {.batch_norm = false, .residual = true}),
      fused_conv_case("fused_conv_tanh", {5, 6, 8}, {.filters = 37}, {.batch_norm = false, .activation = tanh}),
      tolerance(1e-5, fused_conv_case("fused_conv_winograd", {13, 11, 35},
                                      {.filters = 19, .kernel = 3, .padding = 1, .bias = false},
                                      {.residual = true, .activation = relu})),
      tolerance(1e-5,
                fused_conv_case("fused_conv_winograd_tanh", {14, 15, 16}, {.filters = 33, .kernel = 3, .padding = 1},
                                {.batch_norm = false, .residual = true, .activation = tanh})),
      fused_conv_case("fused_conv_groups", {6, 5, 8}, {.filters = 12, .kernel = 3, .groups = 4},
                      {.residual = true, .activation = [](Value x) { return leaky_relu(x, 0.2); }}),
      fused_conv_case("fused_conv_direct", {9, 31, 3}, {.filters = 6, .kernel = 3, .padding = 1},
                      {.residual = true, .activation = relu}),
      fused_conv_case("fused_conv_direct_sigmoid", {40, 31, 1}, {.filters = 7, .kernel = 5}, {.activation = sigmoid}),
      fused_conv_case("fused_conv_depthwise", {7, 6, 19}, {.filters = 19, .kernel = 3, .padding = 1, .groups = 19},
                      {.residual = true, .activation = relu}),
      fused_conv_case("fused_conv_depthwise_elu", {7, 6, 19},
                      {.filters = 19, .kernel = 5, .stride = 2, .padding = 2, .groups = 19},
                      {.activation = [](Value x) { return elu(x); }}),
      expanded_case("plain", {9, 7, 5}, 19, {.kernel = 3, .padding = 1, .bias = false}, {}),
      expanded_case("relu6", {17, 6, 8}, 72, {.kernel = 3, .padding = 1}, relu6),
      expanded_case("stride_silu", {15, 18, 6}, 37, {.kernel = 5, .stride = 2, .padding = {1, 2}}, silu),
      expanded_case("dilation", {16, 9, 3}, 33, {.kernel = 3, .stride = 2, .padding = 3, .dilation = 2}, hard_swish),
      expanded_case("gaps", {19, 11, 3}, 6, {.kernel = 2, .stride = 3}, relu),
      batch_of(1, expanded_case("wide", {17, 120, 4}, 34, {.kernel = 3, .padding = 1}, relu)),
      batch_of(1, expanded_case("wide_gaps", {29, 170, 3}, 5, {.kernel = 2, .stride = 3, .padding = 1}, relu)),
      fused_norm_case("fused_norm_add_relu", {5, 3, 21}, {.batch_norm = false, .residual = true, .activation = relu}),
      fused_norm_case("fused_norm_tanh", {5, 3, 21}, {.batch_norm = false, .activation = tanh}),
      training(fused_norm_case("fused_norm_training_add_relu", {5, 3, 21},
                               {.batch_norm = false, .residual = true, .activation = relu})),
      training(fused_norm_case("fused_norm_training_relu", {5, 3, 9}, {.batch_norm = false, .activation = relu})),
      training(fused_norm_case("fused_norm_training_add", {5, 3, 9}, {.batch_norm = false, .residual = true})),
      {.name = "fused_dense_relu",
       .build = [](Graph& graph) { return relu(dense(graph, graph.input("x", {35}), 17)); },
       .batch = 33},

      dense_case("dense", 13, 7),
      batch_of(3, dense_case("dense_no_bias", 5, 4, false)),
      batch_of(1, dense_case("dense_one", 1, 1)),
      batch_of(1, dense_case("dense_one_sample", 130, 70)),
      batch_of(33, dense_case("dense_odd", 35, 17)),
      unary("dense_positions", [](Value x) { return dense(x.graph(), x, 5); }, {3, 4, 7}),
      speed(unary("dense_convnext", [](Value x) { return dense(x.graph(), x, 384); }, {28, 28, 96})),
      speed(batch_of(64, dense_case("dense_lenet_f6", 120, 84))),
      speed(batch_of(1, dense_case("dense_in_place_one", 1037, 1013))),
      speed(batch_of(7, dense_case("dense_in_place_odd", 1037, 1013))),
      speed(batch_of(150, dense_case("dense_wide", 1024, 512))),

      max_pool_case("max_pool", {6, 8, 3}, {.kernel = 2}),
      max_pool_case("max_pool_odd", {5, 7, 3}, {.kernel = 2}),
      max_pool_case("max_pool_overlap", {7, 8, 3}, {.kernel = 3, .stride = 2, .padding = 1}),
      max_pool_case("max_pool_ceil", {6, 7, 3}, {.kernel = 3, .stride = 2, .ceil_mode = true}),
      max_pool_case("max_pool_ceil_padded", {5, 6, 3}, {.kernel = 2, .padding = 1, .ceil_mode = true}),
      max_pool_case("max_pool_unequal", {7, 8, 5}, {.kernel = {2, 3}, .stride = {1, 2}, .padding = {0, 1, 1, 0}}),
      max_pool_case("max_pool_same", {7, 6, 3}, {.kernel = 3, .stride = 2, .padding = Padding::same()}),
      max_pool_case("max_pool_gaps", {8, 9, 19}, {.kernel = 2, .stride = 3}),
      speed(max_pool_case("max_pool_resnet", {56, 56, 64}, {.kernel = 3, .stride = 2, .padding = 1})),
      speed(batch_of(1, max_pool_case("max_pool_googlenet", {28, 28, 192}, {.kernel = 3, .stride = 1, .padding = 1}))),
      speed(batch_of(1, max_pool_case("max_pool_vgg", {112, 112, 128}, {.kernel = 2}))),
      avg_pool_case("avg_pool", {6, 8, 3}, {.kernel = 2}),
      avg_pool_case("avg_pool_odd", {5, 7, 3}, {.kernel = 2}),
      avg_pool_case("avg_pool_padded", {7, 8, 3}, {.kernel = 3, .stride = 2, .padding = 1}),
      avg_pool_case("avg_pool_exclude_pad", {7, 8, 3},
                    {.kernel = 3, .stride = 2, .padding = 1, .count_include_pad = false}),
      avg_pool_case("avg_pool_ceil", {6, 7, 3}, {.kernel = 3, .stride = 2, .padding = 1, .ceil_mode = true}),
      avg_pool_case("avg_pool_ceil_exclude_pad", {6, 7, 3},
                    {.kernel = 3, .stride = 2, .padding = 1, .ceil_mode = true, .count_include_pad = false}),
      avg_pool_case("avg_pool_unequal", {7, 8, 5}, {.kernel = {2, 3}, .stride = {1, 2}, .padding = {0, 1, 1, 0}}),
      avg_pool_case("avg_pool_same", {7, 6, 3},
                    {.kernel = 3, .stride = 2, .padding = Padding::same(), .count_include_pad = false}),
      speed(avg_pool_case("avg_pool_large", {28, 28, 64}, {.kernel = 2})),
      speed(batch_of(1, avg_pool_case("avg_pool_inception", {35, 35, 192}, {.kernel = 3, .stride = 1, .padding = 1}))),
      speed(batch_of(1, avg_pool_case("avg_pool_densenet", {28, 28, 256}, {.kernel = 2}))),
      speed(batch_of(1, unary("global_avg_pool_squeeze", global_avg_pool, {56, 56, 96}))),
      unary("global_avg_pool", global_avg_pool, {5, 7, 3}),
      speed(unary("global_avg_pool_resnet", global_avg_pool, {7, 7, 512})),
      adaptive_case("adaptive_avg_pool", {7, 5, 3}, {3, 2}),
      adaptive_case("adaptive_avg_pool_up", {2, 3, 5}, {5, 7}),
      adaptive_case("adaptive_avg_pool_even", {6, 4, 17}, {3, 2}),
      speed(adaptive_case("adaptive_avg_pool_large", {14, 14, 512}, 4)),
      unary("global_max_pool", global_max_pool, {5, 7, 3}, Draw::distinct()),
      speed(unary("global_max_pool_large", global_max_pool, {28, 28, 65}, Draw::distinct())),

      batch_norm_case("batch_norm", {5, 7, 3}),
      training(batch_norm_case("batch_norm_training", {5, 7, 3})),
      training(
          batch_of(3, batch_norm_case("batch_norm_training_options", {4, 4, 5}, {.epsilon = 1e-2, .momentum = 0.3}))),
      training(batch_of(6, batch_norm_case("batch_norm_training_flat", {13}))),
      speed(training(batch_of(8, batch_norm_case("batch_norm_training_large", {28, 28, 65})))),
      speed(batch_norm_case("batch_norm_large", {56, 56, 64})),

      unary("flatten", flatten, {3, 4, 5}),
      speed(unary("flatten_large", flatten, {14, 14, 129})),
      unary("dropout", [](Value x) { return dropout(x, 0.4); }, {5, 7, 3}),
      training(unary("dropout_training", [](Value x) { return dropout(x, 0.4); }, {5, 7, 3})),
      training(unary("dropout_training_none", [](Value x) { return dropout(x, 0); }, {5, 7, 3})),
      speed(training(unary("dropout_training_large", [](Value x) { return dropout(x); }, {28, 28, 65}))),

      unary("stochastic_depth", [](Value x) { return stochastic_depth(x, 0.4); }, {5, 7, 3}),
      batch_of(
          9, training(unary("stochastic_depth_training", [](Value x) { return stochastic_depth(x, 0.4); }, {5, 7, 3}))),
      speed(training(
          unary("stochastic_depth_training_large", [](Value x) { return stochastic_depth(x, 0.5); }, {28, 28, 65}))),

      binary("add", add, {5, 7, 3}, {5, 7, 3}),
      binary("add_channels", add, {5, 7, 3}, {1, 1, 3}),
      binary("add_outer", add, {5, 1, 3}, {1, 7, 1}),
      speed(binary("add_large", add, {56, 56, 64}, {56, 56, 64})),
      speed(batch_of(1, binary("add_one_picture", add, {28, 28, 512}, {28, 28, 512}))),
      speed(batch_of(1, binary("multiply_squeeze", multiply, {28, 28, 240}, {1, 1, 240}))),
      speed(batch_of(8, binary("multiply_squeeze_many", multiply, {14, 14, 672}, {1, 1, 672}))),
      binary("multiply", multiply, {5, 7, 3}, {5, 7, 3}),
      binary("multiply_channels", multiply, {5, 7, 3}, {1, 1, 3}),
      binary("multiply_outer", multiply, {5, 1, 3}, {1, 7, 1}),
      speed(binary("multiply_squeeze_excitation", multiply, {28, 28, 120}, {1, 1, 120})),
      speed(binary("multiply_large", multiply, {28, 28, 65}, {1, 1, 65})),
      concatenate_case("concatenate", {{5, 4, 3}, {5, 4, 1}, {5, 4, 6}}),
      concatenate_case("concatenate_flat", {{7}, {4}}),
      speed(concatenate_case("concatenate_large", {{28, 28, 64}, {28, 28, 32}})),

      speed(batch_of(1, concatenate_case("concatenate_densenet", {{28, 28, 256}, {28, 28, 32}}))),

      unary("softmax", softmax, {11}),
      unary("softmax_pixels", softmax, {3, 4, 5}),
      tolerance(1e-5, unary("softmax_wide_range", softmax, {11}, Draw::uniform(-200, 200))),  // gradients cancel
      speed(batch_of(64, unary("softmax_imagenet", softmax, {1000}))),
      unary("log_softmax", log_softmax, {11}),
      unary("log_softmax_wide_range", log_softmax, {11}, Draw::uniform(-200, 200)),
      speed(batch_of(64, unary("log_softmax_imagenet", log_softmax, {1000}))),
      batch_of(5, binary("cross_entropy", class_loss, {10}, {}, {{}, Draw::classes(10)})),
      batch_of(5,
               binary("cross_entropy_wide_range", class_loss, {7}, {}, {Draw::uniform(-200, 200), Draw::classes(7)})),
      speed(batch_of(64, binary("cross_entropy_imagenet", class_loss, {1000}, {}, {{}, Draw::classes(1000)}))),
      batch_of(3, binary("mse", mse, {7}, {7})),
      binary("mse_pictures", mse, {4, 5, 3}, {4, 5, 3}),
      speed(binary("mse_large", mse, {28, 28, 65}, {28, 28, 65})),
  };
}

}  // namespace

const std::vector<OpCase>& op_cases() {
  static const std::vector<OpCase> cases = [] {
    std::vector<OpCase> all = layer_cases();
    for (auto& more :
         {rank_op_cases(), shape_op_cases(), function_op_cases(), lookup_op_cases(), quantized_op_cases()}) {
      all.insert(all.end(), more.begin(), more.end());
    }
    return all;
  }();
  return cases;
}

const std::vector<OpCase>& large_op_cases() {
  const auto conv_3x3 = [](const std::string& name, int64_t extent, int64_t channels) {
    return conv_case(name, {extent, extent, channels}, {.filters = channels, .kernel = 3, .padding = 1});
  };
  const auto resnext = [](const std::string& name, int64_t extent, int64_t channels, int64_t stride) {
    return conv_case(name, {extent, extent, channels},
                     {.filters = channels, .kernel = 3, .stride = stride, .padding = 1, .groups = 32, .bias = false});
  };
  static const std::vector<OpCase> cases = {
      batch_of(1, resnext("conv_resnext_128", 56, 128, 1)),
      batch_of(1, resnext("conv_resnext_256", 28, 256, 1)),
      batch_of(1, resnext("conv_resnext_512", 14, 512, 1)),
      batch_of(1, resnext("conv_resnext_1024", 7, 1024, 1)),
      batch_of(1, resnext("conv_resnext_256_down", 56, 256, 2)),
      batch_of(8, resnext("conv_resnext_128_batch", 56, 128, 1)),
      batch_of(8, resnext("conv_resnext_256_batch", 28, 256, 1)),
      batch_of(1, conv_3x3("conv_vgg_64", 224, 64)),
      batch_of(1, conv_3x3("conv_vgg_128", 112, 128)),
      batch_of(1, conv_3x3("conv_vgg_256", 56, 256)),
      batch_of(1, conv_3x3("conv_vgg_512", 28, 512)),
      batch_of(1, conv_3x3("conv_resnet18_64", 56, 64)),
      batch_of(1, conv_3x3("conv_resnet18_128", 28, 128)),
      batch_of(1, conv_3x3("conv_resnet18_256", 14, 256)),
      batch_of(1, conv_3x3("conv_resnet18_512", 7, 512)),
      batch_of(16, conv_3x3("conv_resnet18_64_batch", 56, 64)),
      batch_of(16, conv_3x3("conv_resnet18_128_batch", 28, 128)),
      batch_of(16, conv_3x3("conv_resnet18_256_batch", 14, 256)),
      batch_of(16, conv_3x3("conv_resnet18_512_batch", 7, 512)),
      batch_of(128, conv_3x3("conv_resnet20_16_batch", 32, 16)),
      batch_of(128, conv_3x3("conv_resnet20_64_batch", 8, 64)),
      tolerance(1e-5, batch_of(16, dense_case("dense_few_samples_4096", 4096, 1000))),
      tolerance(1e-5, batch_of(1, dense_case("dense_one_sample_4096", 4096, 1000))),

      batch_of(1, conv_case("conv_c3d_64", {8, 28, 28, 64}, {.filters = 64, .kernel = 3, .padding = 1})),
      batch_of(1, max_pool_case("max_pool_c3d", {16, 56, 56, 64}, {.kernel = 2})),

      batch_of(8, max_pool_case("max_pool_resnet_many", {112, 112, 64}, {.kernel = 3, .stride = 2, .padding = 1})),
  };
  return cases;
}

const OpCase& op_case(const std::string& name) {
  const auto found = std::ranges::find(op_cases(), name, &OpCase::name);
  if (found == op_cases().end()) throw std::out_of_range("no op case " + name);
  return *found;
}

}  // namespace fovea::testing
