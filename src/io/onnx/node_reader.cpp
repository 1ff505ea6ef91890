#include "io/onnx/node_reader.h"

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <algorithm>

#include "ops/checks.h"

namespace fovea {

const std::string& NodeReader::op() const { return node_.op_type(); }
int NodeReader::inputs() const { return node_.input_size(); }
int NodeReader::outputs() const { return node_.output_size(); }
const std::string& NodeReader::input_name(int i) const { return node_.input(i); }
const std::string& NodeReader::output_name(int i) const { return node_.output(i); }

const onnx::AttributeProto* NodeReader::find(const char* name) const {
  for (const onnx::AttributeProto& attribute : node_.attribute()) {
    if (attribute.name() == name) return &attribute;
  }
  return nullptr;
}

int64_t NodeReader::integer(const char* name, int64_t fallback) const { return has(name) ? integer(name) : fallback; }

int64_t NodeReader::integer(const char* name) const {
  const onnx::AttributeProto* const attribute = find(name);
  require(attribute != nullptr && attribute->has_i(), "attribute '{}' must be a whole number", name);
  return attribute->i();
}

double NodeReader::number(const char* name, double fallback) const {
  const onnx::AttributeProto* const attribute = find(name);
  if (attribute == nullptr) return fallback;
  require(attribute->has_f(), "attribute '{}' must be a number", name);
  return std::stod(fmt::format("{}", attribute->f()));  // 1e-5 as it was written, not as float32 has it
}

std::string NodeReader::text(const char* name, const std::string& fallback) const {
  const onnx::AttributeProto* const attribute = find(name);
  if (attribute == nullptr) return fallback;
  require(attribute->has_s(), "attribute '{}' must be text", name);
  return attribute->s();
}

std::vector<int64_t> NodeReader::integers(const char* name) const {
  const onnx::AttributeProto* const attribute = find(name);
  if (attribute == nullptr) return {};
  return {attribute->ints().begin(), attribute->ints().end()};
}

std::vector<double> NodeReader::numbers(const char* name) const {
  const onnx::AttributeProto* const attribute = find(name);
  if (attribute == nullptr) return {};
  return {attribute->floats().begin(), attribute->floats().end()};
}

const onnx::TensorProto* NodeReader::tensor(const char* name) const {
  const onnx::AttributeProto* const attribute = find(name);
  return attribute != nullptr && attribute->has_t() ? &attribute->t() : nullptr;
}

int normal_axis(int64_t axis, int64_t rank) {
  require(axis >= -rank && axis < rank, "there is no axis {} among {}", axis, rank);
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

}  // namespace fovea
