#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace onnx {
class AttributeProto;
class NodeProto;
class TensorProto;
}  // namespace onnx

namespace fovea {

// A node of an ONNX graph as its importer reads it. Getters throw Error(format) when an attribute is of another kind.
class NodeReader {
 public:
  NodeReader(const onnx::NodeProto& node, int64_t opset) : node_(node), opset_(opset) {}

  const onnx::NodeProto& proto() const { return node_; }
  int64_t opset() const { return opset_; }
  const std::string& op() const;  // its operator
  int inputs() const;
  int outputs() const;
  const std::string& input_name(int i) const;
  const std::string& output_name(int i) const;
  bool has_input(int i) const { return i < inputs() && !input_name(i).empty(); }
  bool has_output(int i) const { return i < outputs() && !output_name(i).empty(); }
  bool has(const char* name) const { return find(name) != nullptr; }

  int64_t integer(const char* name, int64_t fallback) const;
  int64_t integer(const char* name) const;  // which must be there
  double number(const char* name, double fallback) const;
  std::string text(const char* name, const std::string& fallback) const;
  std::vector<int64_t> integers(const char* name) const;  // empty when it is not there
  std::vector<double> numbers(const char* name) const;
  const onnx::TensorProto* tensor(const char* name) const;  // null when it is not there

 private:
  const onnx::AttributeProto* find(const char* name) const;

  const onnx::NodeProto& node_;
  int64_t opset_;
};

// An axis that may count from the end, as one of `rank`. Throws Error(format).
int normal_axis(int64_t axis, int64_t rank);

}  // namespace fovea
