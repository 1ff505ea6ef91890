// How each op of a network is written in ONNX's operators.
#include <algorithm>
#include <array>

#include "io/onnx/export_graph.h"
#include "ops/checks.h"

namespace fovea {

namespace {

constexpr Lies first = Lies::channels_first;
constexpr Lies last = Lies::channels_last;

using Integers = std::vector<int64_t>;

// Padding as ONNX lists it: all before, then all after; 'same' worked out from the extents.
Integers pads(const NodeExport& node, const Integers& kernel, const Integers& stride, const Integers& dilation) {
  const size_t axes = kernel.size();
  const auto& sides = node.attribute<Integers>("padding");
  Integers list(2 * axes);
  for (size_t i = 0; i < axes; ++i) {
    list[i] = sides[2 * i];
    list[axes + i] = sides[2 * i + 1];
    if (!node.attribute<bool>("same")) continue;
    const int64_t input = node.input_shape()[static_cast<int>(i) + 1];
    const int64_t output = node.node().shape[static_cast<int>(i) + 1];
    const int64_t extent = (kernel[i] - 1) * dilation[i] + 1;
    const int64_t total = std::max<int64_t>((output - 1) * stride[i] + extent - input, 0);
    list[i] = total / 2;
    list[axes + i] = total - total / 2;
  }
  return list;
}

void write_window(NodeExport& node, onnx::NodeProto& proto, const Integers& dilation) {
  const auto& kernel = node.attribute<Integers>("kernel");
  const auto& stride = node.attribute<Integers>("stride");
  set(proto, "kernel_shape", kernel);
  set(proto, "strides", stride);
  set(proto, "pads", pads(node, kernel, stride, dilation));
}

onnx::NodeProto& write_conv_like(NodeExport& node, const char* op, const std::vector<std::string>& inputs) {
  onnx::NodeProto& proto = node.add(op, inputs, first);
  const auto& dilation = node.attribute<Integers>("dilation");
  set(proto, "dilations", dilation);
  set(proto, "group", node.attribute<int64_t>("groups"));
  write_window(node, proto, dilation);
  return proto;
}

std::vector<std::string> conv_inputs(NodeExport& node) {
  std::vector<std::string> inputs = {node.input(0, first), node.initializer(0)};
  if (node.attribute<bool>("bias")) inputs.push_back(node.initializer(1));
  return inputs;
}

void write_conv(NodeExport& node) { write_conv_of(node, conv_inputs(node)); }
void write_conv_transpose(NodeExport& node) {
  onnx::NodeProto& proto = write_conv_like(node, "ConvTranspose", conv_inputs(node));
  set(proto, "output_padding", node.attribute<Integers>("output_padding"));
}

void write_pool(NodeExport& node) {
  const bool average = node.node().op->type() == "avg_pool";
  onnx::NodeProto& proto = node.add(average ? "AveragePool" : "MaxPool", {node.input(0, first)}, first);
  const Integers ones(node.attribute<Integers>("kernel").size(), 1);
  write_window(node, proto, ones);
  set(proto, "ceil_mode", int64_t{node.attribute<bool>("ceil_mode")});
  if (average) set(proto, "count_include_pad", int64_t{node.attribute<bool>("count_include_pad")});
}

void write_global_avg_pool(NodeExport& node) { node.add("GlobalAveragePool", {node.input(0, first)}, first); }
void write_global_max_pool(NodeExport& node) { node.add("GlobalMaxPool", {node.input(0, first)}, first); }

// ONNX has no such pooling; where the windows are all alike it is an ordinary one.
void write_adaptive_avg_pool(NodeExport& node) {
  const auto& output = node.attribute<Integers>("output");
  Integers window;
  for (int axis = 1; axis + 1 < node.input_shape().rank(); ++axis) {
    const int64_t parts = output[output.size() == 1 ? 0 : static_cast<size_t>(axis - 1)];
    require(node.input_shape()[axis] % parts == 0, "ONNX has no average pooling of {} to {} positions",
            node.input_shape()[axis], parts);
    window.push_back(node.input_shape()[axis] / parts);
  }
  if (std::ranges::all_of(output, [](int64_t n) { return n == 1; })) return write_global_avg_pool(node);
  onnx::NodeProto& proto = node.add("AveragePool", {node.input(0, first)}, first);
  set(proto, "kernel_shape", window);
  set(proto, "strides", window);
}

void write_batch_norm(NodeExport& node) {
  onnx::NodeProto& proto = node.add(
      "BatchNormalization",
      {node.input(0, first), node.initializer(0), node.initializer(1), node.initializer(2), node.initializer(3)},
      first);
  set(proto, "epsilon", node.real("epsilon"));
  set(proto, "momentum", 1 - node.real("momentum"));
}

void write_layer_norm(NodeExport& node) {
  onnx::NodeProto& proto =
      node.add("LayerNormalization", {node.input(0, last), node.initializer(0), node.initializer(1)}, last);
  set(proto, "axis", int64_t{-1});
  set(proto, "epsilon", node.real("epsilon"));
}

void write_group_norm(NodeExport& node) {
  const bool alone = node.attribute<int64_t>("groups") == node.input_shape().back();
  require(alone && node.attribute<bool>("affine") && node.spatial(),
          "operator set 17 has group normalisation with one group for each channel and weights only");
  onnx::NodeProto& proto =
      node.add("InstanceNormalization", {node.input(0, first), node.initializer(0), node.initializer(1)}, first);
  set(proto, "epsilon", node.real("epsilon"));
}

void write_local_response_norm(NodeExport& node) {
  require(node.attribute<int64_t>("size") % 2 == 1 && node.spatial(), "ONNX has another neighbourhood of even size");
  onnx::NodeProto& proto = node.add("LRN", {node.input(0, first)}, first);
  set(proto, "size", node.attribute<int64_t>("size"));
  set(proto, "alpha", node.real("alpha"));
  set(proto, "beta", node.real("beta"));
  set(proto, "bias", node.real("k"));
}

// Of rows a Gemm; with more axes a product with the weights turned, and a sum.
void write_dense(NodeExport& node) {
  const bool bias = node.attribute<bool>("bias");
  if (!node.spatial()) {
    std::vector<std::string> inputs = {node.input(0, last), node.initializer(0)};
    if (bias) inputs.push_back(node.initializer(1));
    set(node.add("Gemm", inputs, last), "transB", int64_t{1});
    return;
  }
  const Tensor& weight = node.parameter(0);
  const int64_t units = weight.shape()[0], channels = weight.shape()[1];
  Tensor turned({channels, units});
  for (int64_t k = 0; k < units; ++k) {
    for (int64_t c = 0; c < channels; ++c) turned[c * units + k] = weight[k * channels + c];
  }
  const std::string name = node.file().initializer(node.parameter_name(0), turned, {channels, units});
  const std::vector<std::string> inputs = {node.input(0, last), name};
  if (!bias) {
    node.add("MatMul", inputs, last);
    return;
  }
  const std::string product = node.add_step("product", "MatMul", inputs);
  node.add("Add", {product, node.initializer(1)}, last);
}

// In the order that the input has.
onnx::NodeProto& write_unary(NodeExport& node, std::string_view op) {
  const Lies lies = node.input_lies();
  return node.add(op, {node.input(0, lies)}, lies);
}

constexpr std::array<std::pair<std::string_view, std::string_view>, 11> same_names = {{{"relu", "Relu"},
                                                                                       {"sigmoid", "Sigmoid"},
                                                                                       {"tanh", "Tanh"},
                                                                                       {"hard_swish", "HardSwish"},
                                                                                       {"softplus", "Softplus"},
                                                                                       {"exp", "Exp"},
                                                                                       {"log", "Log"},
                                                                                       {"sqrt", "Sqrt"},
                                                                                       {"abs", "Abs"},
                                                                                       {"negate", "Neg"},
                                                                                       {"round", "Round"}}};

void write_plain(NodeExport& node) {
  const auto found =
      std::ranges::find(same_names, node.node().op->type(), &std::pair<std::string_view, std::string_view>::first);
  write_unary(node, found->second);
}

void write_selu(NodeExport& node) { write_unary(node, "Selu"); }
void write_elu(NodeExport& node) { set(write_unary(node, "Elu"), "alpha", node.real("alpha")); }
void write_leaky_relu(NodeExport& node) { set(write_unary(node, "LeakyRelu"), "alpha", node.real("alpha")); }
void write_hard_sigmoid(NodeExport& node) { set(write_unary(node, "HardSigmoid"), "alpha", 1.0 / 6); }

void write_limits(NodeExport& node, double low, double high) {
  const Lies lies = node.input_lies();
  const std::string x = node.input(0, lies);
  const std::string min = node.file().number(node.step("min"), low);
  const std::string max = node.file().number(node.step("max"), high);
  node.add("Clip", {x, min, max}, lies);
}
void write_relu6(NodeExport& node) { write_limits(node, 0, 6); }
void write_clip(NodeExport& node) { write_limits(node, node.real("low"), node.real("high")); }

void write_power(NodeExport& node) {
  const Lies lies = node.input_lies();
  const std::string x = node.input(0, lies);
  node.add("Pow", {x, node.file().number(node.step("exponent"), node.real("exponent"))}, lies);
}

void write_silu(NodeExport& node) {
  const Lies lies = node.input_lies();
  const std::string x = node.input(0, lies);
  node.add("Mul", {x, node.add_step("sigmoid", "Sigmoid", {x})}, lies);
}

// x tanh(softplus(x))
void write_mish(NodeExport& node) {
  const Lies lies = node.input_lies();
  const std::string x = node.input(0, lies);
  node.add("Mul", {x, node.add_step("tanh", "Tanh", {node.add_step("softplus", "Softplus", {x})})}, lies);
}

// x (1 + erf(x / sqrt 2)) / 2, as PyTorch writes it.
void write_gelu(NodeExport& node) {
  const Lies lies = node.input_lies();
  const std::string x = node.input(0, lies);
  GraphExport& file = node.file();
  const std::string scaled = node.add_step("scaled", "Div", {x, file.number(node.step("root"), 1.4142135623730951)});
  const std::string erf = node.add_step("erf", "Erf", {scaled});
  const std::string sum = node.add_step("sum", "Add", {erf, file.number(node.step("one"), 1)});
  const std::string product = node.add_step("product", "Mul", {x, sum});
  node.add("Mul", {product, file.number(node.step("half"), 0.5)}, lies);
}

void write_prelu(NodeExport& node) {
  const Lies lies = node.attribute<bool>("shared") ? node.input_lies() : first;
  Integers dims = {node.parameter(0).size()};
  if (!node.attribute<bool>("shared")) dims.resize(static_cast<size_t>(node.input_shape().rank() - 1), 1);
  node.add("PRelu", {node.input(0, lies), node.initializer(0, dims)}, lies);
}

void write_scale(NodeExport& node) { node.add("Mul", {node.input(0, first), node.initializer(0)}, first); }

void write_dropout(NodeExport& node) {
  const Lies lies = node.input_lies();
  const std::string x = node.input(0, lies);
  node.add("Dropout", {x, node.file().number(node.step("ratio"), node.real("rate"))}, lies);
}

// What training alone does leaves no trace.
void write_nothing(NodeExport& node) { node.pass_on(); }

void write_softmax(NodeExport& node) {
  const Lies lies = node.input_lies();
  const bool log = node.node().op->type() == "log_softmax";
  onnx::NodeProto& proto = write_unary(node, log ? "LogSoftmax" : "Softmax");
  set(proto, "axis", file_axis(-1, node.node().shape.rank(), lies));
}

// Channels first as soon as one input lies so; parameters do not mind.
Lies joint_lies(const NodeExport& node) {
  for (size_t i = 0; i < node.node().inputs.size(); ++i) {
    if (node.has_order(i) && node.input_lies(i) == first) return first;
  }
  return last;
}

void write_several(NodeExport& node, std::string_view op) {
  const Lies lies = joint_lies(node);
  std::vector<std::string> inputs;
  for (size_t i = 0; i < node.node().inputs.size(); ++i) inputs.push_back(node.input(i, lies));
  onnx::NodeProto& proto = node.add(op, inputs, lies);
  if (op == "Concat") set(proto, "axis", file_axis(-1, node.node().shape.rank(), lies));
}

void write_add(NodeExport& node) { write_several(node, "Add"); }
void write_subtract(NodeExport& node) { write_several(node, "Sub"); }
void write_multiply(NodeExport& node) { write_several(node, "Mul"); }
void write_divide(NodeExport& node) { write_several(node, "Div"); }
void write_weighted_sum(NodeExport& node) {
  const Lies lies = joint_lies(node);
  const auto& weights = node.attribute<std::vector<double>>("weights");
  std::vector<std::string> terms;
  for (size_t i = 0; i < weights.size(); ++i) {
    const std::string number = std::to_string(i);
    const std::string weight = node.file().number(node.step("weight" + number), weights[i]);
    terms.push_back(node.add_step("term" + number, "Mul", {node.input(i, lies), weight}));
  }
  node.add("Sum", terms, lies);
}
void write_minimum(NodeExport& node) { write_several(node, "Min"); }
void write_maximum(NodeExport& node) { write_several(node, "Max"); }
void write_concatenate(NodeExport& node) { write_several(node, "Concat"); }

void write_flatten(NodeExport& node) { set(node.add("Flatten", {node.input(0, first)}, last), "axis", int64_t{1}); }

void write_reshape(NodeExport& node) {
  const std::string x = node.input(0, last);
  node.add("Reshape", {x, node.file().integers(node.step("shape"), node.attribute<Integers>("shape"))}, last);
}

void write_transpose(NodeExport& node) {
  set(node.add("Transpose", {node.input(0, last)}, last), "perm", node.attribute<Integers>("axes"));
}

Integers file_axes(const Integers& axes, int rank, Lies lies) {
  Integers mapped;
  for (const int64_t axis : axes) mapped.push_back(file_axis(axis, rank, lies));
  return mapped;
}

void write_slice(NodeExport& node) {
  const Lies lies = node.input_lies();
  const std::string x = node.input(0, lies);
  GraphExport& file = node.file();
  const Integers axes = file_axes(node.attribute<Integers>("axes"), node.input_shape().rank(), lies);
  node.add("Slice",
           {x, file.integers(node.step("starts"), node.attribute<Integers>("starts")),
            file.integers(node.step("ends"), node.attribute<Integers>("stops")), file.integers(node.step("axes"), axes),
            file.integers(node.step("steps"), node.attribute<Integers>("steps"))},
           lies);
}

void write_pad(NodeExport& node) {
  const Lies lies = node.input_lies();
  const int rank = node.input_shape().rank();
  const Integers axes = file_axes(node.attribute<Integers>("axes"), rank, lies);
  Integers pads(2 * static_cast<size_t>(rank), 0);
  for (size_t i = 0; i < axes.size(); ++i) {
    pads[static_cast<size_t>(axes[i])] = node.attribute<Integers>("before")[i];
    pads[static_cast<size_t>(axes[i] + rank)] = node.attribute<Integers>("after")[i];
  }
  const std::string x = node.input(0, lies);
  const std::string list = node.file().integers(node.step("pads"), pads);
  const std::string value = node.file().number(node.step("value"), node.real("value"));
  set(node.add("Pad", {x, list, value}, lies), "mode", node.attribute<std::string>("mode"));
}

void write_reduction(NodeExport& node) {
  const std::string_view type = node.node().op->type();
  const bool keep = node.attribute<bool>("keep");
  const Lies lies = keep ? node.input_lies() : last;
  const std::string x = node.input(0, lies);
  Integers axes = file_axes(node.attribute<Integers>("axes"), node.input_shape().rank(), lies);
  std::ranges::sort(axes);
  if (type == "reduce_sum") {
    const std::string list = node.file().integers(node.step("axes"), axes);
    set(node.add("ReduceSum", {x, list}, lies), "keepdims", int64_t{keep});
    return;
  }
  const char* const op = type == "reduce_mean" ? "ReduceMean" : type == "reduce_max" ? "ReduceMax" : "ReduceMin";
  onnx::NodeProto& proto = node.add(op, {x}, lies);
  set(proto, "axes", axes);
  set(proto, "keepdims", int64_t{keep});
}

void write_resize(NodeExport& node) {
  const std::string x = node.input(0, first);
  GraphExport& file = node.file();
  const auto axes = static_cast<size_t>(node.input_shape().rank() - 2);
  std::vector<std::string> inputs = {x, ""};
  const Attribute scale = node.node().op->attributes().at("scale");
  const auto* const scales = std::get_if<std::vector<double>>(&scale);
  if (scales != nullptr && !scales->empty()) {
    Tensor all({static_cast<int64_t>(axes) + 2});
    for (size_t i = 0; i < axes + 2; ++i) {
      const double given = i < 2 ? 1 : (*scales)[scales->size() == 1 ? 0 : i - 2];
      all[static_cast<int64_t>(i)] = static_cast<float>(given);
    }
    inputs.push_back(file.initializer(node.step("scales"), all, {all.size()}));
  } else {
    const Shape& y = node.node().shape;
    Integers sizes = {0, y.back()};
    for (int axis = 1; axis + 1 < y.rank(); ++axis) sizes.push_back(y[axis]);
    sizes[0] = 1;
    inputs.insert(inputs.end(), {"", file.integers(node.step("sizes"), sizes)});
  }
  onnx::NodeProto& proto = node.add("Resize", inputs, first);
  set(proto, "mode", node.attribute<std::string>("method"));
  set(proto, "coordinate_transformation_mode", node.attribute<std::string>("coordinates"));
  set(proto, "nearest_mode", node.attribute<std::string>("rounding"));
  set(proto, "cubic_coeff_a", node.real("cubic_coefficient"));
}

void write_depth_to_space(NodeExport& node) {
  onnx::NodeProto& proto = node.add("DepthToSpace", {node.input(0, first)}, first);
  set(proto, "blocksize", node.attribute<int64_t>("block"));
  set(proto, "mode", std::string(node.attribute<bool>("depth_first") ? "DCR" : "CRD"));
}

void write_space_to_depth(NodeExport& node) {
  require(node.attribute<bool>("depth_first"), "ONNX has this with the depth first only");
  set(node.add("SpaceToDepth", {node.input(0, first)}, first), "blocksize", node.attribute<int64_t>("block"));
}

// Indices are whole numbers in ONNX: constant ones are written so, computed ones are converted.
void write_gather(NodeExport& node) {
  const Node& indices = node.file().model().graph().node(node.node().inputs[1]);
  const std::string x = node.input(0, last);
  std::string list;
  if (indices.op && indices.op->type() == "parameter") {
    const auto at = static_cast<size_t>(indices.parameters[0]);
    const Tensor& values = node.file().model().parameters()[at];
    list = node.file().integers(node.file().model().graph().parameters()[at].name,
                                Integers(values.values().begin(), values.values().end()),
                                Integers(values.shape().dims().begin(), values.shape().dims().end()));
  } else {
    list = node.step("indices");
    set(node.file().add("Cast", list, {node.input(1, last)}), "to", int64_t{onnx::TensorProto::INT64});
  }
  set(node.add("Gather", {x, list}, last), "axis", node.attribute<int64_t>("axis"));
}

void write_grid_sample(NodeExport& node) {
  const std::string x = node.input(0, first);
  onnx::NodeProto& proto = node.add("GridSample", {x, node.input(1, last)}, first);
  const auto& method = node.attribute<std::string>("method");
  set(proto, "mode", std::string(method == "linear" ? "bilinear" : method == "cubic" ? "bicubic" : "nearest"));
  set(proto, "padding_mode", node.attribute<std::string>("padding"));
  set(proto, "align_corners", int64_t{node.attribute<bool>("align_corners")});
}

void write_matrix_product(NodeExport& node) {
  const std::string a = node.input(0, last);
  node.add("MatMul", {a, node.input(1, last)}, last);
}

// Written when somebody reads it, in the order that is wanted first.
void write_parameter(NodeExport& node) { node.leave(); }

constexpr std::array exports = {OpExport{"abs", write_plain},
                                OpExport{"adaptive_avg_pool", write_adaptive_avg_pool},
                                OpExport{"add", write_add},
                                OpExport{"avg_pool", write_pool},
                                OpExport{"batch_norm", write_batch_norm},
                                OpExport{"clip", write_clip},
                                OpExport{"concatenate", write_concatenate},
                                OpExport{"conv", write_conv},
                                OpExport{"conv_transpose", write_conv_transpose},
                                OpExport{"dense", write_dense},
                                OpExport{"depth_to_space", write_depth_to_space},
                                OpExport{"divide", write_divide},
                                OpExport{"dropout", write_dropout},
                                OpExport{"elu", write_elu},
                                OpExport{"exp", write_plain},
                                OpExport{"flatten", write_flatten},
                                OpExport{"gather", write_gather},
                                OpExport{"gelu", write_gelu},
                                OpExport{"global_avg_pool", write_global_avg_pool},
                                OpExport{"global_max_pool", write_global_max_pool},
                                OpExport{"grid_sample", write_grid_sample},
                                OpExport{"group_norm", write_group_norm},
                                OpExport{"hard_sigmoid", write_hard_sigmoid},
                                OpExport{"hard_swish", write_plain},
                                OpExport{"layer_norm", write_layer_norm},
                                OpExport{"leaky_relu", write_leaky_relu},
                                OpExport{"local_response_norm", write_local_response_norm},
                                OpExport{"log", write_plain},
                                OpExport{"log_softmax", write_softmax},
                                OpExport{"matrix_product", write_matrix_product},
                                OpExport{"max_pool", write_pool},
                                OpExport{"maximum", write_maximum},
                                OpExport{"minimum", write_minimum},
                                OpExport{"mish", write_mish},
                                OpExport{"multiply", write_multiply},
                                OpExport{"negate", write_plain},
                                OpExport{"pad", write_pad},
                                OpExport{"parameter", write_parameter},
                                OpExport{"power", write_power},
                                OpExport{"prelu", write_prelu},
                                OpExport{"reduce_max", write_reduction},
                                OpExport{"reduce_mean", write_reduction},
                                OpExport{"reduce_min", write_reduction},
                                OpExport{"reduce_sum", write_reduction},
                                OpExport{"relu", write_plain},
                                OpExport{"relu6", write_relu6},
                                OpExport{"reshape", write_reshape},
                                OpExport{"resize", write_resize},
                                OpExport{"round", write_plain},
                                OpExport{"scale", write_scale},
                                OpExport{"selu", write_selu},
                                OpExport{"sigmoid", write_plain},
                                OpExport{"silu", write_silu},
                                OpExport{"slice", write_slice},
                                OpExport{"softmax", write_softmax},
                                OpExport{"softplus", write_plain},
                                OpExport{"space_to_depth", write_space_to_depth},
                                OpExport{"spatial_dropout", write_nothing},
                                OpExport{"sqrt", write_plain},
                                OpExport{"stochastic_depth", write_nothing},
                                OpExport{"subtract", write_subtract},
                                OpExport{"tanh", write_plain},
                                OpExport{"transpose", write_transpose},
                                OpExport{"weighted_sum", write_weighted_sum}};

}  // namespace

void write_conv_of(NodeExport& node, const std::vector<std::string>& inputs) { write_conv_like(node, "Conv", inputs); }

const OpExport* find_op_export(std::string_view op) {
  for (const std::span<const OpExport> list : {std::span<const OpExport>(exports), quantized_exports()}) {
    if (const auto found = std::ranges::find(list, op, &OpExport::op); found != list.end()) return &*found;
  }
  return nullptr;
}

}  // namespace fovea
