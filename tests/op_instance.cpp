#include <algorithm>
#include <numeric>

#include "fovea/random.h"
#include "graph/fuse.h"
#include "op_cases.h"

namespace fovea::testing {

namespace {

Graph fused(const Graph& graph, const OpCase& op_case) {
  std::vector<Shape> shapes;
  for (const Node& node : graph.nodes()) shapes.push_back(node.shape.with_batch(op_case.batch));
  std::vector<bool> kept(graph.nodes().size());
  kept[static_cast<size_t>(graph.output_node())] = true;
  return fuse(graph, shapes, kept, op_case.training);
}

}  // namespace

OpInstance instantiate(const OpCase& op_case) {
  Graph graph;
  graph.set_output(op_case.build(graph));
  if (std::ranges::count_if(graph.nodes(), [](const Node& node) { return node.op != nullptr; }) > 1) {
    graph = fused(graph, op_case);
  }
  const Node& node = graph.node(graph.output_node());
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
    const Draw around = Draw::uniform(centre - 0.5, centre + 0.5);
    const Draw how = i < op_case.parameter_draws.size() ? op_case.parameter_draws[i] : around;
    values.parameters.push_back(draw(how, spec.shape.elements(), random.substream(100 + i)));
  }
  values.output_gradient = draw({}, instance.shapes.output.elements(), random.substream(200));
  return values;
}

}  // namespace fovea::testing
