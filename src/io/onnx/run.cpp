// An imported network run in the terms of its file: its order of axes, its element types.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "core/text.h"
#include "fovea/session.h"
#include "io/onnx/array.h"
#include "io/onnx/evaluate.h"
#include "io/onnx/operand.h"

namespace fovea {

namespace {

// To the nearest number with `bits` of mantissa, ties to even.
float rounded(float value, int bits) {
  const int drop = 23 - bits;
  auto word = std::bit_cast<uint32_t>(value);
  if (!std::isfinite(value)) return value;
  word += (uint32_t{1} << (drop - 1)) - 1 + ((word >> drop) & 1U);
  return std::bit_cast<float>(word >> drop << drop);
}

float as_half(float value) {
  constexpr float smallest_normal = 0x1p-14F;
  if (std::fabs(value) < smallest_normal) return std::nearbyint(value * 0x1p24F) * 0x1p-24F;
  const float half = rounded(value, 10);
  return std::fabs(half) > 65504 ? std::copysign(HUGE_VALF, half) : half;
}

OnnxArray typed(DType type, const Shape& shape, std::span<const float> values) {
  Tensor tensor(shape, values);
  if (type == DType::f16) std::ranges::transform(values, tensor.data(), as_half);
  if (type == DType::bf16) std::ranges::transform(values, tensor.data(), [](float v) { return rounded(v, 7); });
  const bool whole = type > DType::bf16 && type != DType::boolean;
  if (whole) std::ranges::transform(values, tensor.data(), [](float v) { return std::nearbyint(v); });
  return cast({.type = DType::f32, .shape = shape, .floats = std::move(tensor)}, type);
}

const OnnxArray& find(const std::map<std::string, OnnxArray>& inputs, const OnnxPort& port) {
  const auto found = inputs.find(port.name);
  if (found != inputs.end()) return found->second;
  throw Error(ErrorKind::usage, fmt::format("input '{}' is missing", printable(port.name)));
}

// How many samples the inputs hold.
int64_t batch_of(const OnnxNetwork& network, const std::map<std::string, OnnxArray>& inputs) {
  int64_t batch = 1;
  for (const OnnxPort& port : network.inputs) {
    const Shape& shape = find(inputs, port).shape;
    if (network.any_batch && shape.rank() > 0 && &port == network.inputs.data()) batch = shape[0];
    const Shape wanted = network.any_batch ? port.shape.with_batch(batch) : port.shape;
    if (shape != wanted) {
      throw Error(ErrorKind::usage, fmt::format("input '{}' must be {}, got {}", printable(port.name),
                                                to_string(wanted), to_string(shape)));
    }
  }
  return batch;
}

}  // namespace

std::vector<OnnxArray> run_onnx(OnnxNetwork& network, const std::map<std::string, OnnxArray>& inputs) {
  SessionOptions options{.batch = batch_of(network, inputs)};
  for (const OnnxPort& port : network.outputs) {
    if (!port.constant) options.keep.push_back(port.node);
  }
  std::optional<Session> session;
  if (!options.keep.empty()) {
    session.emplace(network.model, options);
    for (const OnnxPort& port : network.inputs) {
      const std::span<float> target = session->input(port.node);
      const OnnxArray turned = permuted(find(inputs, port), port.order);
      if (!target.empty()) std::ranges::copy(to_floats(turned, turned.shape).values(), target.begin());
    }
    session->forward();
  }
  std::vector<OnnxArray> outputs;
  for (const OnnxPort& port : network.outputs) {
    if (port.constant) {
      outputs.push_back(*port.constant);
      continue;
    }
    const Shape shape = port.order.empty() ? Shape{} : session->shape(port.node);
    outputs.push_back(permuted(typed(port.type, shape, session->activation(port.node)), inverse(port.order)));
  }
  return outputs;
}

}  // namespace fovea
