#include "op_cases.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "fovea/ops.h"
#include "fovea/random.h"

namespace fovea::testing {

namespace {

Value in(Graph& graph, const Shape& sample) { return graph.input("x", sample); }

}  // namespace

const std::vector<OpCase>& op_cases() {
  static const std::vector<OpCase> cases = {
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
