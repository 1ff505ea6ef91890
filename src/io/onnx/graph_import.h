#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/onnx.h"
#include "io/onnx/node_reader.h"
#include "io/onnx/operand.h"

namespace fovea {

// A parameter for a node that is about to be added.
struct Weight {
  std::string name;  // under which the network holds it
  Tensor tensor;
};

// The network as it grows.
class GraphImport {
 public:
  explicit GraphImport(std::filesystem::path folder) : folder_(std::move(folder)) {}

  const std::filesystem::path& folder() const { return folder_; }
  // Whether dimension 0, of extent 1, stands for a batch of any size.
  bool any_batch = false;

  // Adds a node; a taken name is followed by a number. Throws Error(format), among others for an op that there is not.
  Value add(const std::string& name, std::string_view op, const Attributes& attributes,
            const std::vector<Value>& inputs, std::vector<Weight> weights = {});

  // Adds an input of the network in that order.
  Value add_input(const std::string& name, const std::vector<int64_t>& dims, const Order& order);

  // A value in the wanted order: as it is, transposed, or as a node that holds a constant.
  Value in_order(Operand& x, const Order& order);
  Value plain(Operand& x) { return in_order(x, plain_order(x.rank())); }
  // The same with extents 1 put before the dims until there are `rank`, as broadcasting has it.
  Value broadcast(Operand& x, const Order& order);

  // The same elements in the same order under other dims; free.
  Value reshape(const std::string& name, Value x, std::vector<int64_t> dims);

  // A constant as a parameter; the memory is taken from it when nobody else reads it.
  Tensor take(Operand& x, const Shape& shape);
  std::map<std::string, int> readers;                         // how many nodes, or outputs, read a name
  std::map<std::string, const onnx::NodeProto*> last_reader;  // one of those nodes
  std::set<const onnx::NodeProto*> merged;                    // nodes that an earlier one stands for too

  Graph graph;
  // The network with its parameters under their own names; nothing can be added any more.
  Model finish();

 private:
  std::string free_name(const std::string& wanted) const;
  std::string free_parameter_name(const std::string& wanted) const;
  Value hold(Operand& x, const Order& order);

  std::filesystem::path folder_;
  std::vector<Tensor> parameters_;
  std::vector<std::string> names_;  // of the parameters
  std::set<std::string, std::less<>> parameter_names_;
};

// One node of the file, as the importer of its operator sees it.
class NodeImport : public NodeReader {
 public:
  NodeImport(const onnx::NodeProto& node, int64_t opset, GraphImport& network, std::map<std::string, Operand>& values)
      : NodeReader(node, opset), network_(network), values_(values) {}

  GraphImport& network() { return network_; }
  const std::string& name() const;

  Operand& input(int i);
  // An input that must be known at import; `what` for the message.
  const OnnxArray& constant(int i, const char* what);
  // Whole numbers from an input, or from the attribute that older versions have.
  std::vector<int64_t> integers_from(int i, const char* what);

  // Adds the node of the network that bears this node's name, or a step on the way to it: "name.suffix".
  Value add(std::string_view op, const Attributes& attributes, const std::vector<Value>& inputs,
            std::vector<Weight> weights = {});
  Value step(const char* suffix, std::string_view op, const Attributes& attributes, const std::vector<Value>& inputs);
  Value number_node(const char* suffix, double value, int rank);  // a constant that broadcasts over that rank
  Weight weight(int i, const Shape& shape);                       // of a constant input, under its name

  void output(int i, std::vector<int64_t> dims, const Order& order, Value value, std::optional<DType> type = {});
  // The only node that reads an output, if it is of that operator; null otherwise.
  const onnx::NodeProto* sole_reader(const std::string& output, std::string_view op) const;
  // This node and these, which follow it, are one node of the network; it bears the name of the last.
  void merge(const std::vector<const onnx::NodeProto*>& nodes) {
    network_.merged.insert(nodes.begin(), nodes.end());
    end_ = nodes.back();
  }
  // The constant among the two inputs of a node, if the other is `x`; null otherwise.
  const OnnxArray* constant_beside(const onnx::NodeProto& node, const std::string& x) const;
  void output(int i, OnnxArray constant);
  void alias(int i, const Operand& x);

 private:
  // The node whose name and output count: this one, or the last of those merged with it.
  const onnx::NodeProto& end() const { return end_ != nullptr ? *end_ : proto(); }

  GraphImport& network_;
  std::map<std::string, Operand>& values_;
  const onnx::NodeProto* end_ = nullptr;
};

// What an operator's importer needs from its surroundings.
enum class Layout { any, pointwise, spatial };  // spatial: its first input becomes channels last

struct OpImport {
  std::string_view op;
  void (*import)(NodeImport& node);
  Layout layout = Layout::any;
  unsigned constants = 0;  // bit i: input i is a weight or a shape, to be known at import if the file leaves it open
  bool reads_constant(int input) const { return input < 32 && ((constants >> static_cast<unsigned>(input)) & 1U) != 0; }
};

// nullptr for an operator that there is not.
const OpImport* find_op_import(std::string_view op);
std::vector<std::string_view> onnx_operators();

}  // namespace fovea
