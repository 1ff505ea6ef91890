#include "op_cases.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "fovea/ops.h"
#include "fovea/random.h"

namespace fovea::testing {

namespace {

Value in(Graph& graph, const Shape& sample) { return graph.input("x", sample); }

OpCase conv_case(const std::string& name, const Shape& sample, const ConvOptions& options, int64_t batch = 2) {
  return {.name = "conv_" + name,
          .build = [=](Graph& g) { return conv(Scope(g) / "conv", in(g, sample), options); },
          .batch = batch};
}

OpCase dense_case(const std::string& name, int64_t channels, int64_t units, int64_t batch, bool bias = true) {
  return {.name = "dense_" + name,
          .build = [=](Graph& g) { return dense(Scope(g) / "fc", in(g, {channels}), units, bias); },
          .batch = batch};
}

OpCase speed(OpCase op_case) {
  op_case.speed = true;
  return op_case;
}

}  // namespace

const std::vector<OpCase>& op_cases() {
  static const std::vector<OpCase> cases = {
      conv_case("1x1", {5, 7, 3}, {.filters = 4}),
      conv_case("1x1_wide", {3, 5, 33}, {.filters = 41}),
      conv_case("1x1_stride", {7, 6, 5}, {.filters = 9, .stride = 2}),
      conv_case("3x3", {6, 7, 6}, {.filters = 17, .kernel = 3, .padding = 1}),
      conv_case("3x3_valid", {7, 5, 16}, {.filters = 32, .kernel = 3}),
      conv_case("3x3_no_bias", {7, 5, 8}, {.filters = 8, .kernel = 3, .padding = 1, .bias = false}),
      conv_case("3x3_stride", {9, 8, 5}, {.filters = 6, .kernel = 3, .stride = {2, 3}, .padding = 1}),
      conv_case("3x3_same_stride", {9, 8, 5}, {.filters = 6, .kernel = 3, .stride = 2, .padding = Padding::same()}),
      conv_case("5x5_one_channel", {13, 12, 1}, {.filters = 6, .kernel = 5}, 3),
      conv_case("5x5_to_one_pixel", {5, 5, 16}, {.filters = 19, .kernel = 5}, 5),
      conv_case("unequal_padding", {6, 5, 3}, {.filters = 5, .kernel = {3, 2}, .padding = {2, 0, 1, 3}}),
      conv_case("dilation", {9, 10, 4}, {.filters = 7, .kernel = 3, .padding = 2, .dilation = {2, 1}}),
      conv_case("dilation_both", {9, 10, 4}, {.filters = 7, .kernel = {2, 3}, .padding = 1, .dilation = {3, 2}}),
      conv_case("groups", {6, 5, 6}, {.filters = 9, .kernel = 3, .padding = 1, .groups = 3}),
      conv_case("groups_stride_dilation", {11, 12, 8},
                {.filters = 4, .kernel = 3, .stride = 2, .padding = 2, .dilation = 2, .groups = 2}),
      conv_case("groups_multiplier", {6, 5, 3}, {.filters = 6, .kernel = 3, .groups = 3}),
      conv_case("depthwise", {7, 6, 19}, {.filters = 19, .kernel = 3, .padding = 1, .groups = 19}),
      conv_case("depthwise_stride", {8, 9, 6}, {.filters = 6, .kernel = 5, .stride = 2, .padding = 2, .groups = 6}),
      conv_case("depthwise_dilation", {8, 9, 3},
                {.filters = 3, .kernel = 3, .padding = {1, 2, 0, 3}, .dilation = 2, .groups = 3, .bias = false}),
      conv_case("kernel_beyond_picture", {3, 2, 4}, {.filters = 3, .kernel = 7, .padding = 3}),
      speed(conv_case("lenet_c1", {32, 32, 1}, {.filters = 6, .kernel = 5}, 64)),
      speed(conv_case("lenet_c3", {14, 14, 6}, {.filters = 16, .kernel = 5}, 64)),
      speed(conv_case("many_pixels", {40, 40, 3}, {.filters = 16, .kernel = 3, .padding = 1})),
      speed(conv_case("resnet", {28, 28, 64}, {.filters = 64, .kernel = 3, .padding = 1}, 4)),
      speed(conv_case("resnet_late", {7, 7, 256}, {.filters = 256, .kernel = 3, .padding = 1}, 1)),
      dense_case("small", 5, 3, 2),
      dense_case("odd", 37, 23, 7),
      dense_case("no_bias", 16, 33, 1, false),
      dense_case("one_sample", 130, 70, 1),
      speed(dense_case("lenet_f6", 120, 84, 64)),
      speed(dense_case("wide", 1024, 512, 150)),
      {.name = "relu",
       .build =
           [](Graph& g) {
             return relu(in(g, {5, 7, 3}));
           },
       .draws = {Draw::off_zero()}},
      {.name = "relu_flat", .build = [](Graph& g) { return relu(in(g, {13})); }, .draws = {Draw::off_zero()}},
      {.name = "relu_large",
       .build =
           [](Graph& g) {
             return relu(in(g, {56, 56, 64}));
           },
       .draws = {Draw::off_zero()},
       .speed = true},
      {.name = "leaky_relu",
       .build =
           [](Graph& g) {
             return leaky_relu(in(g, {5, 7, 3}), 0.1);
           },
       .draws = {Draw::off_zero()}},
      {.name = "leaky_relu_large",
       .build =
           [](Graph& g) {
             return leaky_relu(in(g, {28, 28, 33}));
           },
       .draws = {Draw::off_zero()},
       .speed = true},
      {.name = "elu",
       .build =
           [](Graph& g) {
             return elu(in(g, {5, 7, 3}));
           },
       .draws = {Draw::off_zero()}},
      {.name = "elu_alpha",
       .build =
           [](Graph& g) {
             return elu(in(g, {4, 4, 5}), 0.3);
           },
       .draws = {Draw::off_zero()}},
      {.name = "elu_large",
       .build =
           [](Graph& g) {
             return elu(in(g, {28, 28, 33}));
           },
       .draws = {Draw::uniform(-20, 20)},
       .speed = true},
      {.name = "sigmoid",
       .build =
           [](Graph& g) {
             return sigmoid(in(g, {5, 7, 3}));
           }},
      {.name = "sigmoid_large",
       .build =
           [](Graph& g) {
             return sigmoid(in(g, {28, 28, 33}));
           },
       .draws = {Draw::uniform(-20, 20)},
       .speed = true},
      {.name = "sigmoid_saturated",
       .build =
           [](Graph& g) {
             return sigmoid(in(g, {5, 7, 3}));
           },
       .draws = {Draw::uniform(-200, 200)}},
      {.name = "tanh",
       .build =
           [](Graph& g) {
             return tanh(in(g, {5, 7, 3}));
           }},
      {.name = "tanh_large",
       .build =
           [](Graph& g) {
             return tanh(in(g, {28, 28, 33}));
           },
       .draws = {Draw::uniform(-10, 10)},
       .speed = true},
      {.name = "tanh_saturated",
       .build =
           [](Graph& g) {
             return tanh(in(g, {5, 7, 3}));
           },
       .draws = {Draw::uniform(-200, 200)}},
  };
  return cases;
}

const OpCase& op_case(const std::string& name) {
  const auto found = std::ranges::find(op_cases(), name, &OpCase::name);
  if (found == op_cases().end()) throw std::out_of_range("no op case " + name);
  return *found;
}

OpInstance instantiate(const OpCase& op_case) {
  Graph graph;
  const Value value = op_case.build(graph);
  const Node& node = graph.node(value.node());
  OpInstance instance{node.op, {}, {}, op_case.training};
  for (const int input : node.inputs) {
    instance.shapes.inputs.push_back(graph.node(input).shape.with_batch(op_case.batch));
  }
  instance.shapes.output = node.op->infer(instance.shapes.inputs);
  instance.parameters = node.op->parameters(instance.shapes.inputs);
  return instance;
}

namespace {

std::vector<float> draw(const Draw& draw, int64_t count, const Random& random) {
  std::vector<int64_t> order(static_cast<size_t>(count));
  if (draw.kind == Draw::Kind::distinct) {
    std::iota(order.begin(), order.end(), -count / 2);
    shuffle(order, random);
  }
  std::vector<float> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) {
    double value = draw.low + (draw.high - draw.low) * random.uniform(i);
    if (draw.kind == Draw::Kind::off_zero) value += value < 0 ? -0.05 : 0.05;
    if (draw.kind == Draw::Kind::distinct) value = static_cast<double>(order[i]) / 512;
    if (draw.kind == Draw::Kind::classes)
      value = static_cast<double>(random.below(i, static_cast<uint64_t>(draw.high)));
    values[i] = static_cast<float>(value);
  }
  return values;
}

}  // namespace

OpValues<float> draw_values(const OpCase& op_case, const OpInstance& instance) {
  const Random random(1);
  OpValues<float> values;
  for (size_t i = 0; i < instance.shapes.inputs.size(); ++i) {
    const Draw how = i < op_case.draws.size() ? op_case.draws[i] : Draw{};
    values.inputs.push_back(draw(how, instance.shapes.inputs[i].elements(), random.substream(i)));
  }
  for (size_t i = 0; i < instance.parameters.size(); ++i) {
    const ParameterSpec& spec = instance.parameters[i];
    const double centre = spec.fill == Fill::ones ? 1 : 0;
    values.parameters.push_back(
        draw(Draw::uniform(centre - 0.5, centre + 0.5), spec.shape.elements(), random.substream(100 + i)));
  }
  values.output_gradient = draw({}, instance.shapes.output.elements(), random.substream(200));
  return values;
}

}  // namespace fovea::testing
