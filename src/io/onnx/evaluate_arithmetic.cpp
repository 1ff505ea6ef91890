// Constants that are computed from others: the arithmetic of shapes, scales and sizes.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "io/onnx/array.h"
#include "io/onnx/evaluate.h"
#include "io/onnx/types.h"
#include "ops/checks.h"

namespace fovea {

namespace {

constexpr int64_t most = int64_t{1} << 24;

std::vector<int64_t> dims_of(const OnnxArray& array) { return {array.shape.dims().begin(), array.shape.dims().end()}; }

int64_t integer_power(int64_t base, int64_t exponent) {
  return static_cast<int64_t>(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
}

// Whole numbers wrap around, as they do everywhere.
int64_t wrapping(std::string_view op, int64_t a, int64_t b) {
  const auto ua = static_cast<uint64_t>(a);
  const auto ub = static_cast<uint64_t>(b);
  if (op == "Add") return static_cast<int64_t>(ua + ub);
  if (op == "Sub") return static_cast<int64_t>(ua - ub);
  if (op == "Mul") return static_cast<int64_t>(ua * ub);
  if (op == "Min") return std::min(a, b);
  if (op == "Max") return std::max(a, b);
  if (op == "Pow") return integer_power(a, b);
  require(b != 0 && !(b == -1 && a == std::numeric_limits<int64_t>::min()), "{} by {}", op, b);
  if (op == "Div") return a / b;
  const int64_t rest = a % b;  // Mod: the sign of the divisor, as in Python
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

float computed(std::string_view op, float a, float b) {
  if (op == "Add") return a + b;
  if (op == "Sub") return a - b;
  if (op == "Mul") return a * b;
  if (op == "Min") return std::min(a, b);
  if (op == "Max") return std::max(a, b);
  if (op == "Pow") return std::pow(a, b);
  if (op == "Div") return a / b;
  return std::fmod(a, b);
}

template <class T>
bool compared(std::string_view op, T a, T b) {
  if (op == "Equal") return a == b;
  if (op == "Greater") return a > b;
  if (op == "Less") return a < b;
  if (op == "GreaterOrEqual") return a >= b;
  if (op == "LessOrEqual") return a <= b;
  if (op == "And") return a != 0 && b != 0;
  return a != 0 || b != 0;
}

// Offset of the element that result element i reads of an array that broadcasts to `shape`.
int64_t broadcast_offset(const Shape& from, const Shape& shape, int64_t i) {
  int64_t offset = 0, stride = 1;
  for (int k = shape.rank() - 1, own = from.rank() - 1; own >= 0; --k, --own) {
    const int64_t at = i % shape[k];
    i /= shape[k];
    if (from[own] != 1) offset += at * stride;
    stride *= from[own];
  }
  return offset;
}

bool is_comparison(std::string_view op) {
  for (const std::string_view known : {"Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual", "And", "Or"}) {
    if (op == known) return true;
  }
  return false;
}

bool is_binary(std::string_view op) {
  for (const std::string_view known : {"Add", "Sub", "Mul", "Div", "Mod", "Min", "Max", "Pow"}) {
    if (op == known) return true;
  }
  return is_comparison(op);
}

OnnxArray binary(std::string_view op, const OnnxArray& a, const OnnxArray& b) {
  require(a.is_float() == b.is_float(), "{} and {} do not go together", to_string(a.type), to_string(b.type));
  const Shape shape(broadcast_dims(dims_of(a), dims_of(b)));
  require(shape.elements() <= std::max({most, a.size(), b.size()}), "a constant of {} elements is too large",
          shape.elements());
  const bool comparison = is_comparison(op);
  OnnxArray result = make_array(comparison ? DType::boolean : a.type, shape);
  for (int64_t i = 0; i < shape.elements(); ++i) {
    const int64_t at_a = broadcast_offset(a.shape, shape, i);
    const int64_t at_b = broadcast_offset(b.shape, shape, i);
    const auto at = static_cast<size_t>(i);
    if (a.is_float()) {
      const float x = a.floats[at_a];
      const float y = b.floats[at_b];
      if (comparison) {
        result.integers[at] = compared(op, x, y);
      } else {
        result.floats[i] = computed(op, x, y);
      }
    } else {
      const int64_t x = a.integers[static_cast<size_t>(at_a)];
      const int64_t y = b.integers[static_cast<size_t>(at_b)];
      result.integers[at] = comparison ? compared(op, x, y) : wrapping(op, x, y);
    }
  }
  return result;
}

using Unary = float (*)(float);

Unary unary_function(std::string_view op) {
  if (op == "Neg") return [](float x) { return -x; };
  if (op == "Abs") return [](float x) { return std::fabs(x); };
  if (op == "Floor") return [](float x) { return std::floor(x); };
  if (op == "Ceil") return [](float x) { return std::ceil(x); };
  if (op == "Round") return [](float x) { return std::nearbyint(x); };
  if (op == "Sqrt") return [](float x) { return std::sqrt(x); };
  if (op == "Exp") return [](float x) { return std::exp(x); };
  if (op == "Log") return [](float x) { return std::log(x); };
  if (op == "Reciprocal") return [](float x) { return 1 / x; };
  return nullptr;
}

OnnxArray unary(std::string_view op, Unary function, const OnnxArray& x) {
  OnnxArray result = x;
  if (x.is_float()) {
    std::ranges::transform(x.floats.values(), result.floats.data(), function);
    return result;
  }
  require(op == "Neg" || op == "Abs", "{} of whole numbers", op);
  for (int64_t& value : result.integers) {
    if (op == "Neg" || value < 0) value = static_cast<int64_t>(0 - static_cast<uint64_t>(value));
  }
  return result;
}

int64_t to_integer(float value, DType type) {
  if (type == DType::boolean) return value != 0;
  constexpr float limit = 9.2e18F;
  return std::isnan(value) ? 0 : static_cast<int64_t>(std::clamp(value, -limit, limit));
}

OnnxArray range(Arrays in) {
  const double start = number(*in[0]);
  const double step = number(*in[2]);
  const double count = std::ceil((number(*in[1]) - start) / step);
  require(step != 0 && count <= static_cast<double>(most), "a range of {} numbers is too large", count);
  OnnxArray result = make_array(in[0]->type, {static_cast<int64_t>(std::max(count, 0.0))});
  for (int64_t i = 0; i < result.size(); ++i) {
    const double value = start + static_cast<double>(i) * step;
    if (result.is_float()) {
      result.floats[i] = static_cast<float>(value);
    } else {
      result.integers[static_cast<size_t>(i)] = static_cast<int64_t>(value);
    }
  }
  return result;
}

OnnxArray where(Arrays in) {
  require(in[1]->is_float() == in[2]->is_float() && !in[0]->is_float(), "the choices must be of one type");
  const Shape shape(broadcast_dims(broadcast_dims(dims_of(*in[0]), dims_of(*in[1])), dims_of(*in[2])));
  require(shape.elements() <= std::max({most, in[1]->size(), in[2]->size()}), "a constant of {} elements is too large",
          shape.elements());
  OnnxArray result = make_array(in[1]->type, shape);
  for (int64_t i = 0; i < shape.elements(); ++i) {
    const auto condition = static_cast<size_t>(broadcast_offset(in[0]->shape, shape, i));
    const OnnxArray& chosen = in[0]->integers[condition] != 0 ? *in[1] : *in[2];
    const int64_t from = broadcast_offset(chosen.shape, shape, i);
    if (result.is_float()) {
      result.floats[i] = chosen.floats[from];
    } else {
      result.integers[static_cast<size_t>(i)] = chosen.integers[static_cast<size_t>(from)];
    }
  }
  return result;
}

// Of a list of whole numbers, all of it.
OnnxArray reduced(std::string_view op, const OnnxArray& x, bool keep) {
  const std::vector<int64_t>& values = integers(x);
  require(!values.empty(), "there is nothing to reduce");
  int64_t result = op == "ReduceProd" ? 1 : op == "ReduceSum" ? 0 : values[0];
  for (const int64_t value : values) {
    result = wrapping(op == "ReduceProd"  ? "Mul"
                      : op == "ReduceSum" ? "Add"
                      : op == "ReduceMax" ? "Max"
                                          : "Min",
                      result, value);
  }
  OnnxArray array = make_array(x.type, keep ? Shape{1} : Shape{});
  array.integers[0] = result;
  return array;
}

}  // namespace

OnnxArray cast(const OnnxArray& x, DType type) {
  OnnxArray result = make_array(type, x.shape);
  if (x.is_float() && result.is_float()) {
    result.floats = x.floats;
  } else if (result.is_float()) {
    result.floats = to_floats(x, x.shape);
  } else {
    for (size_t i = 0; i < result.integers.size(); ++i) {
      result.integers[i] = x.is_float()             ? to_integer(x.floats[static_cast<int64_t>(i)], type)
                           : type == DType::boolean ? x.integers[i] != 0
                                                    : x.integers[i];
    }
  }
  return result;
}

std::optional<OnnxArray> evaluate_arithmetic(const NodeReader& node, Arrays in) {
  const std::string& op = node.op();
  const auto present = [&](size_t count) {
    require(in.size() >= count, "takes {} inputs, got {}", count, in.size());
    for (size_t i = 0; i < count; ++i) require(in[i] != nullptr, "input {} is missing", i);
  };
  if (is_binary(op)) {
    present(std::max<size_t>(in.size(), 1));
    OnnxArray result = *in[0];
    for (size_t i = 1; i < in.size(); ++i) result = binary(op, result, *in[i]);
    return result;
  }
  if (op == "Range" || op == "Where") {
    present(3);
    return op == "Range" ? range(in) : where(in);
  }
  const Unary function = unary_function(op);
  const bool reduction = op == "ReduceProd" || op == "ReduceSum" || op == "ReduceMax" || op == "ReduceMin";
  if (function == nullptr && !reduction && op != "Cast" && op != "Not") return std::nullopt;
  present(1);
  if (function != nullptr) return unary(op, function, *in[0]);
  if (op == "Cast") return cast(*in[0], dtype_of(static_cast<int32_t>(node.integer("to"))));
  if (op == "Not") {
    OnnxArray result = *in[0];
    integers(result);
    for (int64_t& value : result.integers) value = value == 0;
    return result;
  }
  if (in[0]->is_float() || in[0]->shape.rank() > 1) return std::nullopt;
  return reduced(op, *in[0], node.integer("keepdims", 1) != 0);
}

}  // namespace fovea
