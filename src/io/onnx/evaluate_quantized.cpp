// Constants that are quantised or, as the weights of quantised networks are, brought back.
#include <algorithm>
#include <cmath>

#include "io/onnx/array.h"
#include "io/onnx/evaluate.h"
#include "io/onnx/types.h"
#include "ops/checks.h"

namespace fovea {

namespace {

// Calls body(i, part) for every element of x with the place of its scale.
template <class Body>
void for_each_element(const NodeReader& node, const OnnxArray& x, const OnnxArray& scale, const Body& body) {
  const std::vector<int64_t> dims(x.shape.dims().begin(), x.shape.dims().end());
  const int64_t parts = quantized_parts(node, scale, dims);
  int64_t inner = 1;
  for (int k = x.shape.rank() - 1; parts > 1 && k > normal_axis(node.integer("axis", 1), x.shape.rank()); --k) {
    inner *= x.shape[k];
  }
  for (int64_t i = 0; i < x.size(); ++i) body(i, i / inner % parts);
}

// The zero point of a part; 0 without any.
int64_t zero_point(const OnnxArray* points, int64_t part) {
  if (points == nullptr) return 0;
  const std::vector<int64_t>& values = integers(*points);
  require(!values.empty(), "the zero point is empty");
  return values[values.size() == 1 ? 0 : static_cast<size_t>(part)];
}

OnnxArray quantize(const NodeReader& node, const OnnxArray& x, const OnnxArray& scale, const OnnxArray* points) {
  OnnxArray result = make_array(quantized_type(node, points), x.shape);
  const auto [low, high] = quantized_limits(result.type);
  for_each_element(node, x, scale, [&, low = low, high = high](int64_t i, int64_t part) {
    const float steps = std::nearbyint(x.floats[i] / scale.floats[part]);
    const float bounded = std::isnan(steps) ? 0.0F : std::clamp(steps, -1e6F, 1e6F);
    result.integers[static_cast<size_t>(i)] =
        std::clamp(static_cast<int64_t>(bounded) + zero_point(points, part), low, high);
  });
  return result;
}

OnnxArray dequantize(const NodeReader& node, const OnnxArray& x, const OnnxArray& scale, const OnnxArray* points) {
  OnnxArray result = make_array(scale.type, x.shape);
  const std::vector<int64_t>& values = integers(x);
  for_each_element(node, x, scale, [&](int64_t i, int64_t part) {
    const int64_t steps = values[static_cast<size_t>(i)] - zero_point(points, part);
    result.floats[i] = static_cast<float>(steps) * scale.floats[part];
  });
  return result;
}

}  // namespace

DType quantized_type(const NodeReader& node, const OnnxArray* zero_point) {
  if (zero_point != nullptr) return zero_point->type;
  const int64_t type = node.integer("output_dtype", 0);  // from operator set 21 on
  return type != 0 ? dtype_of(static_cast<int32_t>(type)) : DType::u8;
}

std::pair<int64_t, int64_t> quantized_limits(DType type) {
  switch (type) {
    case DType::u8:
      return {0, 255};
    case DType::i8:
      return {-128, 127};
    case DType::u16:
      return {0, 65535};
    case DType::i16:
      return {-32768, 32767};
    default:
      throw Error(ErrorKind::format, fmt::format("quantising to {} is not supported", to_string(type)));
  }
}

int64_t quantized_parts(const NodeReader& node, const OnnxArray& scale, const std::vector<int64_t>& dims) {
  require(node.integer("block_size", 0) == 0, "scales of blocks are not supported");
  if (scale.size() == 1) return 1;
  const auto axis = static_cast<size_t>(normal_axis(node.integer("axis", 1), std::ssize(dims)));
  require(scale.shape.rank() == 1 && scale.size() == dims[axis],
          "there must be one scale for all or for each of the {} places on axis {}, got {}", dims[axis], axis,
          to_string(scale.shape));
  return scale.size();
}

std::optional<OnnxArray> evaluate_quantized(const NodeReader& node, Arrays in) {
  const bool forward = node.op() == "QuantizeLinear";
  if (!forward && node.op() != "DequantizeLinear") return std::nullopt;
  require(in.size() >= 2 && in[0] != nullptr && in[1] != nullptr, "takes a value and its scale");
  const OnnxArray* const points = in.size() > 2 ? in[2] : nullptr;
  require(in[1]->is_float() && in[0]->is_float() == forward, "{} by {} does not go together", to_string(in[0]->type),
          to_string(in[1]->type));
  require(points == nullptr || points->size() == 1 || points->size() == in[1]->size(),
          "there are {} zero points for {} scales", points != nullptr ? points->size() : 0, in[1]->size());
  return forward ? quantize(node, *in[0], *in[1], points) : dequantize(node, *in[0], *in[1], points);
}

}  // namespace fovea
