#include <cmath>
#include <functional>

#include "fovea/quantized_ops.h"
#include "op_case_builders.h"

namespace fovea::testing {

namespace {

constexpr Quantization from = {.scale = 0.02F, .zero_point = 7};
constexpr Quantization shortcut = {.scale = 1.5F, .zero_point = 131};

// What follows the layer, with inputs of its own where it needs some.
using TailOf = std::function<Value(Value, const Quantization& to)>;

// Such that sums of so many weights fill the range of a byte.
Quantization output_of(int64_t weights) {
  return {.scale = 2.2F * std::sqrt(static_cast<float>(weights)), .zero_point = 100};
}

OpCase drawn(OpCase op_case) {
  op_case.draws = {Draw::classes(256), Draw::classes(256)};
  op_case.parameter_draws = {Draw::uniform(-127, 127), Draw::uniform(0.5, 1.5), Draw::uniform(-300, 300)};
  return op_case;
}

Value as_it_is(Value y, const Quantization&) { return y; }
Value to_bytes(Value y, const Quantization& to) { return quantize(y, to); }
Value relu_to_bytes(Value y, const Quantization& to) { return quantize(relu(y), {to.scale, 0}); }
Value add_bytes(Value y, const Quantization& to) {
  return quantize(relu(add_dequantized(y, y.graph().input("shortcut", y.shape().without_batch()), shortcut)), to);
}
Value add_reals(Value y, const Quantization& to) {
  return quantize(add(y, y.graph().input("shortcut", y.shape().without_batch())), to);
}

OpCase conv_bytes(const std::string& name, const Shape& sample, const ConvOptions& options,
                  const TailOf& tail = as_it_is) {
  const auto build = [=](Graph& graph) {
    const Value x = graph.input("x", sample);
    const Value y = quantized_conv(Scope(graph) / "conv", x, from, options);
    const Shape& weight = graph.parameters()[0].shape;
    return tail(y, output_of(weight.elements() / weight[0]));
  };
  return drawn({.name = name, .build = build});
}

OpCase dense_bytes(const std::string& name, const Shape& sample, int64_t units, const TailOf& tail) {
  const auto build = [=](Graph& graph) {
    const Value y = quantized_dense(Scope(graph) / "fc", graph.input("x", sample), from, units);
    return tail(y, output_of(sample.back()));
  };
  return drawn({.name = name, .build = build});
}

// A byte that is one off is no mistake where kernels round an activation otherwise.
OpCase one_off(OpCase op_case) { return tolerance(1.01 / 255, std::move(op_case)); }

}  // namespace

std::vector<OpCase> quantized_op_cases() {
  const auto depthwise = [](int64_t channels, int64_t kernel, int64_t stride) {
    return ConvOptions{
        .filters = channels, .kernel = kernel, .stride = stride, .padding = kernel / 2, .groups = channels};
  };
  const ConvOptions same = {.filters = 35, .kernel = 3, .padding = 1};
  return {
      unary(
          "quantize", [](Value x) { return quantize(x, {.scale = 0.011F, .zero_point = 101}); }, {5, 7, 3},
          Draw::uniform(-2, 2)),
      unary(
          "dequantize", [](Value x) { return dequantize(x, from); }, {5, 7, 3}, Draw::classes(256)),
      binary("add_dequantized", [](Value a, Value b) { return add_dequantized(a, b, shortcut); }, {5, 7, 3}, {5, 7, 3},
             {Draw::uniform(-300, 300), Draw::classes(256)}),
      conv_bytes("quantized_conv_1x1", {5, 6, 13}, {.filters = 17}),
      conv_bytes("quantized_conv_3x3", {9, 7, 5}, same),
      conv_bytes("quantized_conv_no_bias", {5, 6, 8}, {.filters = 33, .kernel = 3, .bias = false}),
      conv_bytes("quantized_conv_stem", {23, 21, 3}, {.filters = 19, .kernel = 7, .stride = 2, .padding = 3}),
      conv_bytes("quantized_conv_dilated", {11, 9, 6}, {.filters = 9, .kernel = 3, .padding = 2, .dilation = 2}),
      conv_bytes("quantized_conv_groups", {7, 6, 10}, {.filters = 6, .kernel = 3, .padding = 1, .groups = 2}),
      conv_bytes("quantized_conv_sequence", {13, 6}, {.filters = 5, .kernel = 3, .padding = 1}),
      conv_bytes("quantized_conv_volume", {4, 5, 6, 3}, {.filters = 5, .kernel = 3, .padding = 1}),
      conv_bytes("quantized_conv_to_bytes", {9, 7, 5}, same, to_bytes),
      conv_bytes("quantized_conv_relu", {9, 7, 16}, {.filters = 64}, relu_to_bytes),
      conv_bytes("quantized_conv_relu6", {9, 7, 16}, same,
                 [](Value y, const Quantization&) {
                   return quantize(relu6(y), {6.0F / 255, 0});
                 }),
      conv_bytes("quantized_conv_real_relu", {9, 7, 16}, same, [](Value y, const Quantization&) { return relu(y); }),
      conv_bytes("quantized_conv_add", {9, 7, 5}, same, add_reals),
      conv_bytes("quantized_conv_add_bytes", {9, 7, 5}, same, add_bytes),
      one_off(conv_bytes("quantized_conv_silu", {9, 7, 5}, same,
                         [](Value y, const Quantization& to) { return quantize(silu(y), to); })),
      conv_bytes("quantized_depthwise", {7, 6, 19}, depthwise(19, 3, 1)),
      conv_bytes("quantized_depthwise_relu", {9, 11, 71}, depthwise(71, 3, 1), relu_to_bytes),
      conv_bytes("quantized_depthwise_stride", {12, 13, 96}, depthwise(96, 3, 2), relu_to_bytes),
      conv_bytes("quantized_depthwise_5x5", {8, 9, 24}, depthwise(24, 5, 1), to_bytes),
      conv_bytes("quantized_depthwise_5x5_stride", {11, 9, 40}, depthwise(40, 5, 2), to_bytes),
      conv_bytes("quantized_depthwise_dilated", {9, 9, 33},
                 {.filters = 33, .kernel = 3, .padding = 2, .dilation = 2, .groups = 33}, to_bytes),
      conv_bytes("quantized_depthwise_flat", {9, 9, 20},
                 {.filters = 20, .kernel = {1, 7}, .padding = {0, 3}, .groups = 20}, to_bytes),
      conv_bytes("quantized_depthwise_add", {6, 5, 20}, depthwise(20, 3, 1), add_bytes),
      one_off(conv_bytes("quantized_depthwise_hard_swish", {6, 5, 20}, depthwise(20, 3, 1),
                         [](Value y, const Quantization& to) { return quantize(hard_swish(y), to); })),
      dense_bytes("quantized_dense", {37}, 41, as_it_is),
      dense_bytes("quantized_dense_rows", {5, 64}, 9, as_it_is),
      dense_bytes("quantized_dense_relu", {130}, 70, relu_to_bytes),
  };
}

}  // namespace fovea::testing
