// Whole numbers in the place of real ones as ONNX writes them: real operators between QuantizeLinear and
// DequantizeLinear (QDQ), which ONNX Runtime makes operators on bytes of.
#include <array>

#include "io/onnx/export_graph.h"
#include "kernels/nearest.h"
#include "ops/checks.h"

namespace fovea {

namespace {

constexpr Lies first = Lies::channels_first;
constexpr Lies last = Lies::channels_last;

template <class T>
std::string whole_numbers(NodeExport& node, const std::string& name, onnx::TensorProto::DataType type,
                          const std::vector<T>& values, std::span<const int64_t> dims) {
  onnx::TensorProto& tensor = node.file().array(name);
  tensor.set_data_type(type);
  for (const int64_t dim : dims) tensor.add_dims(dim);
  tensor.set_raw_data(values.data(), values.size() * sizeof(T));
  return name;
}

std::string one_real(NodeExport& node, const std::string& suffix, double value) {
  Tensor tensor(Shape{1});
  tensor[0] = static_cast<float>(value);
  return node.file().initializer(node.step(suffix), tensor, {});
}

std::string zero_point(NodeExport& node) {
  const std::vector<uint8_t> value = {static_cast<uint8_t>(node.attribute<int64_t>("zero_point"))};
  return whole_numbers(node, node.step("zero_point"), onnx::TensorProto::UINT8, value, {});
}

std::vector<std::string> with_map(NodeExport& node, const std::string& x) {
  return {x, one_real(node, "scale", node.real("scale")), zero_point(node)};
}

void write_quantize(NodeExport& node) {
  const Lies lies = node.input_lies();
  node.add("QuantizeLinear", with_map(node, node.input(0, lies)), lies);
}

void write_dequantize(NodeExport& node) {
  const Lies lies = node.input_lies();
  node.add("DequantizeLinear", with_map(node, node.input(0, lies)), lies);
}

void write_add_dequantized(NodeExport& node) {
  const Lies lies = node.input_lies();
  const std::string a = node.input(0, lies);
  const std::string b = node.add_step("dequantized", "DequantizeLinear", with_map(node, node.input(1, lies)));
  node.add("Add", {a, b}, lies);
}

// The input, the weights and the bias as real numbers.
std::vector<std::string> write_layer_inputs(NodeExport& node, Lies lies) {
  std::vector<std::string> inputs;
  inputs.push_back(node.add_step("dequantized", "DequantizeLinear", with_map(node, node.input(0, lies))));
  std::vector<int8_t> weight;
  for (const float value : node.parameter(0).values()) weight.push_back(static_cast<int8_t>(to_weight(value)));
  const std::string whole =
      whole_numbers(node, node.parameter_name(0), onnx::TensorProto::INT8, weight, node.parameter(0).shape().dims());
  onnx::NodeProto* proto = nullptr;
  inputs.push_back(node.add_step("weight_dequantized", "DequantizeLinear", {whole, node.initializer(1)}, &proto));
  set(*proto, "axis", int64_t{0});
  if (!node.attribute<bool>("bias")) return inputs;
  const Tensor& scale = node.parameter(1);
  Tensor steps(scale.shape());
  std::vector<int32_t> bias;
  for (int64_t k = 0; k < scale.size(); ++k) {
    steps[k] = static_cast<float>(node.real("scale")) * scale[k];
    bias.push_back(bias_steps(node.parameter(2)[k], steps[k]));
  }
  const std::string whole_bias =
      whole_numbers(node, node.parameter_name(2), onnx::TensorProto::INT32, bias, scale.shape().dims());
  const std::string bias_scale = node.file().initializer(node.step("bias_scale"), steps, {scale.size()});
  inputs.push_back(node.add_step("bias_dequantized", "DequantizeLinear", {whole_bias, bias_scale}, &proto));
  set(*proto, "axis", int64_t{0});
  return inputs;
}

void write_quantized_conv(NodeExport& node) { write_conv_of(node, write_layer_inputs(node, first)); }

// Of rows.
void write_quantized_dense(NodeExport& node) {
  require(!node.spatial(), "a quantised dense layer is written of rows {{N, C}} alone, got {}",
          to_string(node.input_shape()));
  set(node.add("Gemm", write_layer_inputs(node, last), last), "transB", int64_t{1});
}

constexpr std::array exports = {OpExport{"add_dequantized", write_add_dequantized},
                                OpExport{"dequantize", write_dequantize}, OpExport{"quantize", write_quantize},
                                OpExport{"quantized_conv", write_quantized_conv},
                                OpExport{"quantized_dense", write_quantized_dense}};

}  // namespace

std::span<const OpExport> quantized_exports() { return exports; }

}  // namespace fovea
