#include "io/onnx/evaluate.h"

#include "io/onnx/array.h"
#include "ops/checks.h"

namespace fovea {

namespace {

OnnxArray constant(const NodeReader& node, const std::filesystem::path& folder) {
  if (const onnx::TensorProto* const value = node.tensor("value")) return read_array(*value, folder);
  if (node.has("value_int")) return with_shape(integers_of({node.integer("value_int")}), {});
  if (node.has("value_ints")) return integers_of(node.integers("value_ints"));
  require(node.has("value_float") || node.has("value_floats"), "a constant that is neither a tensor nor numbers");
  if (node.has("value_float")) {
    OnnxArray one = make_array(DType::f32, {});
    one.floats[0] = static_cast<float>(node.number("value_float", 0));
    return one;
  }
  const std::vector<double> values = node.numbers("value_floats");
  OnnxArray list = make_array(DType::f32, {std::ssize(values)});
  for (size_t i = 0; i < values.size(); ++i) list.floats[static_cast<int64_t>(i)] = static_cast<float>(values[i]);
  return list;
}

}  // namespace

std::optional<std::vector<OnnxArray>> evaluate(const NodeReader& node, Arrays inputs,
                                               const std::filesystem::path& folder) {
  std::vector<OnnxArray> outputs;
  if (node.op() == "Constant") {
    outputs.push_back(constant(node, folder));
    return outputs;
  }
  if (inputs.empty()) return std::nullopt;
  if (auto moved = evaluate_movement(node, inputs)) return moved;
  std::optional<OnnxArray> computed = evaluate_arithmetic(node, inputs);
  if (!computed) computed = evaluate_quantized(node, inputs);
  if (computed) {
    outputs.push_back(std::move(*computed));
    return outputs;
  }
  return std::nullopt;
}

}  // namespace fovea
