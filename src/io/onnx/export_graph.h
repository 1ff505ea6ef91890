#pragma once

#include <array>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/model.h"
#include "io/onnx/proto.h"

namespace fovea {

// Orders in which a value of the network can lie in a file: as it is, channels last, or as ONNX has pictures, channels
// first. Values of fewer than three axes have one order.
enum class Lies { channels_first, channels_last };

// A file as it grows. A value is named as its node, a parameter by its own name; in the order that it was not computed
// in, "name.nhwc" or "name.nchw".
class GraphExport {
 public:
  GraphExport(const Model& model, onnx::GraphProto& file);

  const Model& model() const { return model_; }
  const Shape& shape(int node) const { return model_.graph().node(node).shape; }
  // The name of a value in that order; adds a Transpose where it has only the other.
  std::string name(int node, Lies lies);
  // The order that it was computed in; a parameter that nobody has read yet has none.
  bool has_order(int node) const { return computed_.contains(source(node)); }
  Lies lies(int node) const { return has_order(node) ? computed_.at(source(node)) : Lies::channels_last; }
  // Says in which order the node's value was computed, under the node's name.
  void computed(int node, Lies lies);
  // Says that the node's value is another's.
  void same(int node, int as);
  // Leaves a parameter to be written when it is read.
  void leave(int node);

  // Adds a node whose output bears its name, or, where a parameter has that, "name.output".
  onnx::NodeProto& add(std::string_view op, const std::string& name, const std::vector<std::string>& inputs);
  std::string output_name(const std::string& node) const {
    return parameters_.contains(node) ? node + ".output" : node;
  }
  // Arrays in the file; they give their name back.
  std::string initializer(const std::string& name, const Tensor& values, const std::vector<int64_t>& dims);
  std::string integers(const std::string& name, const std::vector<int64_t>& values);
  std::string integers(const std::string& name, const std::vector<int64_t>& values, const std::vector<int64_t>& dims);
  std::string number(const std::string& name, double value);
  onnx::TensorProto& array(const std::string& name);  // to be filled

 private:
  void write_parameter(int node, Lies lies);
  int source(int node) const { return same_.contains(node) ? same_.at(node) : node; }

  const Model& model_;
  onnx::GraphProto& file_;
  std::map<int, std::map<Lies, std::string>> names_;
  std::map<int, Lies> computed_;
  std::set<std::string, std::less<>> parameters_;  // their names
  std::map<int, int> same_;                        // nodes that are not written, to the one whose value theirs is
};

// A node of the network that is to be written.
class NodeExport {
 public:
  NodeExport(GraphExport& file, int index)
      : file_(file), index_(index), node_(file.model().graph().node(index)), attributes_(node_.op->attributes()) {}

  GraphExport& file() { return file_; }
  const Node& node() const { return node_; }
  const std::string& name() const { return node_.name; }
  std::string step(const std::string& suffix) const { return node_.name + "." + suffix; }
  const Shape& input_shape(size_t i = 0) const { return file_.shape(node_.inputs[i]); }
  std::string input(size_t i, Lies lies) { return file_.name(node_.inputs[i], lies); }
  void leave() { file_.leave(index_); }
  void pass_on() { file_.same(index_, node_.inputs[0]); }  // the first input is the result
  bool has_order(size_t i) const { return file_.has_order(node_.inputs[i]); }
  Lies input_lies(size_t i = 0) const { return file_.lies(node_.inputs[i]); }
  bool spatial() const { return node_.shape.rank() > 2; }

  template <class T>
  const T& attribute(const char* name) const {
    return std::get<T>(attributes_.at(name));
  }
  double real(const char* name) const;

  // A parameter of the node as an initialiser, under its name.
  const Tensor& parameter(size_t i) const;
  std::string parameter_name(size_t i) const;
  std::string initializer(size_t i);
  std::string initializer(size_t i, const std::vector<int64_t>& dims);

  // The node itself, or a step on the way to it.
  onnx::NodeProto& add(std::string_view op, const std::vector<std::string>& inputs, Lies lies);
  std::string add_step(const std::string& suffix, std::string_view op, const std::vector<std::string>& inputs,
                       onnx::NodeProto** proto = nullptr);

 private:
  GraphExport& file_;
  int index_;
  const Node& node_;
  Attributes attributes_;
};

void set(onnx::NodeProto& node, const char* name, int64_t value);
void set(onnx::NodeProto& node, const char* name, double value);
void set(onnx::NodeProto& node, const char* name, const std::string& value);
void set(onnx::NodeProto& node, const char* name, const std::vector<int64_t>& values);

struct OpExport {
  std::string_view op;  // of the network
  void (*write)(NodeExport& node);
};
// The ops of quantised networks.
std::span<const OpExport> quantized_exports();
// A convolution of these inputs.
void write_conv_of(NodeExport& node, const std::vector<std::string>& inputs);
// nullptr for an op that ONNX does not have.
const OpExport* find_op_export(std::string_view op);

// Where axis k of a value lies in the file.
int64_t file_axis(int64_t axis, int rank, Lies lies);

}  // namespace fovea
