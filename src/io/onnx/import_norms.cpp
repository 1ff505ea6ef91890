// Normalisations, softmax and dropout.
#include <algorithm>
#include <array>

#include "io/onnx/array.h"
#include "io/onnx/op_imports.h"
#include "ops/checks.h"

namespace fovea {

namespace {

std::vector<Weight> weights_of(NodeImport& node, int first, int last, int64_t channels) {
  std::vector<Weight> weights;
  for (int i = first; i <= last; ++i) weights.push_back(node.weight(i, {channels}));
  return weights;
}

// mean and 1 / sqrt(variance + epsilon) over axes of a value, both with those axes kept.
struct Statistics {
  Value mean, centred, variance, deviation;
};

Statistics statistics(NodeImport& node, Value x, const std::vector<int64_t>& axes, double epsilon) {
  const Attributes over = {{"axes", axes}, {"keep", true}};
  const Value mean = node.step("mean", "reduce_mean", over, {x});
  const Value centred = node.step("centred", "subtract", {}, {x, mean});
  const Value variance =
      node.step("variance", "reduce_mean", over, {node.step("square", "multiply", {}, {centred, centred})});
  const Value safe = node.step("safe", "add", {}, {variance, node.number_node("epsilon", epsilon, x.shape().rank())});
  return {mean, centred, variance, node.step("deviation", "sqrt", {}, {safe})};
}

// A list {C} by the batch's channels: what of it broadcasts over a value with channels last.
Value along_channels(NodeImport& node, int i, int rank) {
  Operand& x = node.input(i);
  const Value row = node.network().plain(x);
  std::vector<int64_t> dims(static_cast<size_t>(rank), 1);
  dims.back() = row.shape().elements();
  return node.step("channels", "reshape", {{"shape", dims}}, {row});
}

// By the statistics of the batch, with the moved statistics as further outputs.
void import_batch_statistics(NodeImport& node) {
  Operand& x = node.input(0);
  const Order order = channels_last_order(x.rank());
  const Value in = node.network().in_order(x, order);
  std::vector<int64_t> axes;
  for (int axis = 0; axis + 1 < x.rank(); ++axis) axes.push_back(axis);
  const Statistics batch = statistics(node, in, axes, node.number("epsilon", 1e-5));
  const Value normal = node.step("normal", "divide", {}, {batch.centred, batch.deviation});
  const Value scaled = node.step("scaled", "multiply", {}, {normal, along_channels(node, 1, x.rank())});
  node.output(0, x.dims, order, node.add("add", {}, {scaled, along_channels(node, 2, x.rank())}));
  const double momentum = node.number("momentum", 0.9);
  const auto moved = [&](int i, Value now) {
    const auto share = [&](double factor, Value v) {
      return node.step("share", "multiply", {}, {v, node.number_node("factor", factor, x.rank())});
    };
    const Value sum =
        node.step("moved", "add", {}, {share(momentum, along_channels(node, i, x.rank())), share(1 - momentum, now)});
    return node.network().reshape(node.name() + ".running", sum, {x.dims[1]});
  };
  node.output(1, {x.dims[1]}, plain_order(1), moved(3, batch.mean));
  node.output(2, {x.dims[1]}, plain_order(1), moved(4, batch.variance));
}

void import_batch_norm(NodeImport& node) {
  Operand& x = node.input(0);
  require(x.rank() >= 2, "{{N, C, ...}} is expected, got {}", to_string(Shape(x.dims)));
  const bool further = node.has_output(1) && node.network().readers[node.output_name(1)] > 0;
  if (node.integer("training_mode", 0) != 0 || further) return import_batch_statistics(node);
  const Order order = channels_last_order(x.rank());
  const Value in = node.network().in_order(x, order);
  const Value y = node.add("batch_norm",
                           {{"epsilon", node.number("epsilon", 1e-5)}, {"momentum", 1 - node.number("momentum", 0.9)}},
                           {in}, weights_of(node, 1, 4, x.dims[1]));
  node.output(0, x.dims, order, y);
}

// Over the axes from `axis` to the last, seen as one.
void import_layer_norm(NodeImport& node) {
  Operand& x = node.input(0);
  const int axis = normal_axis(node.integer("axis", -1), x.rank());
  const int64_t width = Shape({x.dims.begin() + axis, x.dims.end()}).elements();
  const bool last = axis == x.rank() - 1 && x.rank() > 1;
  const Order order = last && x.order().back() == axis ? x.order() : plain_order(x.rank());
  Value in = node.network().in_order(x, order);
  if (!last) in = node.network().reshape(node.name() + ".rows", in, {Shape(x.dims).elements() / width, width});
  std::vector<Weight> weights;
  weights.push_back(node.weight(1, {width}));
  weights.push_back(node.has_input(2) ? node.weight(2, {width}) : Weight{node.name() + ".bias", Tensor({width})});
  const double epsilon = node.number("epsilon", 1e-5);
  Value y = node.add("layer_norm", {{"epsilon", epsilon}}, {in}, std::move(weights));
  if (!last) y = node.network().reshape(node.name() + ".shape", y, x.dims);
  node.output(0, x.dims, order, y);
  if (!node.has_output(1) && !node.has_output(2)) return;
  std::vector<int64_t> dims = x.dims;
  std::fill(dims.begin() + axis, dims.end(), 1);
  const Statistics row = statistics(node, in, {in.shape().rank() - 1}, epsilon);
  const Value inverse =
      node.step("inverse", "divide", {}, {node.number_node("one", 1, in.shape().rank()), row.deviation});
  std::vector<int64_t> extents;
  for (const int k : order) extents.push_back(dims[static_cast<size_t>(k)]);
  node.output(1, dims, order, node.network().reshape(node.name() + ".mean", row.mean, extents));
  node.output(2, dims, order, node.network().reshape(node.name() + ".inverse", inverse, extents));
}

// For each channel of each sample over its positions: groups of one channel.
void import_instance_norm(NodeImport& node) {
  Operand& x = node.input(0);
  require(x.rank() >= 3, "{{N, C, ...}} is expected, got {}", to_string(Shape(x.dims)));
  const Order order = channels_last_order(x.rank());
  const Value y =
      node.add("group_norm", {{"groups", x.dims[1]}, {"epsilon", node.number("epsilon", 1e-5)}, {"affine", true}},
               {node.network().in_order(x, order)}, weights_of(node, 1, 2, x.dims[1]));
  node.output(0, x.dims, order, y);
}

// From opset 21 on, with a scale of each channel.
void import_group_norm(NodeImport& node) {
  Operand& x = node.input(0);
  require(x.rank() >= 2 && node.opset() >= 21, "only {{N, C, ...}} of operator set 21 is supported");
  const Order order = channels_last_order(x.rank());
  const Value y =
      node.add("group_norm",
               {{"groups", node.integer("num_groups")}, {"epsilon", node.number("epsilon", 1e-5)}, {"affine", true}},
               {node.network().in_order(x, order)}, weights_of(node, 1, 2, x.dims[1]));
  node.output(0, x.dims, order, y);
}

// (x - mean) / (standard deviation + 1e-9) over axes
void import_mean_variance(NodeImport& node) {
  Operand& x = node.input(0);
  const Order order = x.order();
  std::vector<int64_t> axes = node.integers("axes");
  if (axes.empty()) axes = {0, 2, 3};
  for (int64_t& axis : axes) axis = place(order, normal_axis(axis, x.rank()));
  const Statistics over = statistics(node, node.network().in_order(x, order), axes, 1e-18);
  node.output(0, x.dims, order, node.add("divide", {}, {over.centred, over.deviation}));
}

void import_local_response_norm(NodeImport& node) {
  Operand& x = node.input(0);
  const int64_t size = node.integer("size");
  require(x.rank() >= 3 && size % 2 == 1, "{{N, C, ...}} and an odd size are expected, got {} and {}",
          to_string(Shape(x.dims)), size);
  const Order order = channels_last_order(x.rank());
  const Value y = node.add("local_response_norm",
                           {{"size", size},
                            {"alpha", node.number("alpha", 1e-4)},
                            {"beta", node.number("beta", 0.75)},
                            {"k", node.number("bias", 1)}},
                           {node.network().in_order(x, order)});
  node.output(0, x.dims, order, y);
}

// Over one axis; before opset 13 over all axes from it on.
void import_softmax(NodeImport& node) {
  Operand& x = node.input(0);
  const bool old = node.opset() < 13;
  const int axis = normal_axis(node.integer("axis", old ? 1 : -1), x.rank());
  const char* const op = node.op() == "Softmax" ? "softmax" : "log_softmax";
  const bool several = old && std::any_of(x.dims.begin() + axis + 1, x.dims.end(), [](int64_t d) { return d != 1; });
  if (several || x.rank() < 2) {
    const int64_t width = Shape({x.dims.begin() + axis, x.dims.end()}).elements();
    const Value rows = node.network().reshape(node.name() + ".rows", node.network().plain(x),
                                              {Shape(x.dims).elements() / width, width});
    const Value y = node.network().reshape(node.name() + ".shape", node.add(op, {}, {rows}), x.dims);
    return node.output(0, x.dims, plain_order(x.rank()), y);
  }
  Order order = x.order();
  std::erase(order, axis);
  order.push_back(axis);
  node.output(0, x.dims, order, node.add(op, {}, {node.network().in_order(x, order)}));
}

void import_dropout(NodeImport& node) {
  Operand& x = node.input(0);
  const bool training = node.has_input(2) && number(node.constant(2, "training mode")) != 0;
  const double rate = node.has_input(1) ? number(node.constant(1, "ratio")) : node.number("ratio", 0.5);
  require(!training || rate == 0, "dropout in training mode is random");
  require(rate >= 0 && rate <= 1, "the ratio must be 0 to 1, got {}", rate);
  if (node.has_output(1)) {
    OnnxArray mask = make_array(DType::boolean, Shape(x.dims));
    std::ranges::fill(mask.integers, 1);
    node.output(1, std::move(mask));
  }
  if (x.is_constant() || training || rate == 1) return node.alias(0, x);
  const Order order = x.order();
  node.output(0, x.dims, order, node.add("dropout", {{"rate", rate}}, {node.network().in_order(x, order)}));
}

constexpr std::array imports = {
    OpImport{"BatchNormalization", import_batch_norm, Layout::spatial, 0b11110},
    OpImport{"GroupNormalization", import_group_norm, Layout::spatial, 0b110},
    OpImport{"InstanceNormalization", import_instance_norm, Layout::spatial, 0b110},
    OpImport{"LayerNormalization", import_layer_norm, Layout::any, 0b110},
    OpImport{"LRN", import_local_response_norm, Layout::spatial},
    OpImport{"MeanVarianceNormalization", import_mean_variance},
    OpImport{"Softmax", import_softmax},
    OpImport{"LogSoftmax", import_softmax},
    OpImport{"Dropout", import_dropout, Layout::pointwise, 0b110},
};

}  // namespace

std::span<const OpImport> norm_imports() { return imports; }

}  // namespace fovea
