// The walk over an ONNX graph: constants and inputs first, then node after node, then the outputs.
#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <set>

#include "core/file.h"
#include "core/text.h"
#include "io/onnx/array.h"
#include "io/onnx/evaluate.h"
#include "io/onnx/graph_import.h"
#include "io/onnx/metadata.h"
#include "io/onnx/proto.h"
#include "ops/checks.h"

namespace fovea {

namespace {

constexpr int most_nodes = 100'000;

// Why an input cannot be one; empty when it can.
std::string refusal(const onnx::ValueInfoProto& input) {
  if (!input.type().has_tensor_type()) return "it is not a tensor";
  try {
    dtype_of(input.type().tensor_type().elem_type());
    return {};
  } catch (const Error& error) {
    return error.what();
  }
}

class Walk {
 public:
  Walk(ParsedModel& parsed, std::string source, const std::filesystem::path& folder, const OnnxImportOptions& options)
      : parsed_(parsed),
        graph_(*parsed.model.mutable_graph()),
        source_(std::move(source)),
        options_(options),
        opset_(opset_version(parsed.model)),
        network_(folder) {}

  OnnxNetwork run() {
    check();
    count_readers();
    add_initializers();
    add_constant_nodes();
    choose_layouts();
    add_inputs();
    for (const onnx::NodeProto& node : graph_.node()) import(node);
    if (!reasons_.empty()) throw OnnxUnsupported(source_, std::move(reasons_));
    add_outputs();
    result_.any_batch = network_.any_batch;
    result_.model = network_.finish();
    read_metadata(parsed_.model, result_.model);
    return std::move(result_);
  }

 private:
  [[noreturn]] void refuse(const std::string& why) const {
    throw Error(ErrorKind::format, fmt::format("{}: {}", source_, why));
  }

  void check() const {
    if (graph_.node_size() > most_nodes) refuse(fmt::format("{} nodes are too many", graph_.node_size()));
    if (graph_.sparse_initializer_size() > 0) refuse("sparse weights are not supported");
  }

  void count_readers() {
    for (const onnx::NodeProto& node : graph_.node()) {
      const int values = node.op_type() == "CastLike" ? 1 : node.input_size();  // of its second the type alone
      for (int i = 0; i < std::min(values, node.input_size()); ++i) {
        ++network_.readers[node.input(i)];
        network_.last_reader[node.input(i)] = &node;
      }
    }
    for (const onnx::ValueInfoProto& output : graph_.output()) ++network_.readers[output.name()];
  }

  void add_constant(const std::string& name, OnnxArray array) {
    const std::vector<int64_t> dims(array.shape.dims().begin(), array.shape.dims().end());
    const bool trainable = array.is_float();
    values_[name] = {.name = name,
                     .type = array.type,
                     .dims = dims,
                     .constant = std::make_shared<OnnxArray>(std::move(array)),
                     .trainable = trainable};
  }

  void add_initializers() {
    try {
      for (int i = 0; i < graph_.initializer_size(); ++i) {
        onnx::TensorProto& tensor = *graph_.mutable_initializer(i);
        add_constant(tensor.name(), read_array(tensor, network_.folder(), parsed_.raw_data(i)));
        tensor.Clear();  // the memory of its elements
      }
    } catch (const Error& error) {
      throw Error(error.kind(), fmt::format("{}: {}", source_, error.what()));
    }
    for (const auto& [name, array] : options_.values) add_constant(name, array);
  }

  // All of them first: what merges several nodes into one looks ahead.
  void add_constant_nodes() {
    for (const onnx::NodeProto& proto : graph_.node()) {
      if (proto.op_type() != "Constant" || proto.output_size() != 1) continue;
      try {
        NodeImport node(proto, opset_, network_, values_);
        fold(node);
      } catch (const Error&) {
        continue;  // the walk comes by again, and tells
      }
    }
  }

  // Whether inputs feed layers that want channels last, through pointwise ones too.
  void choose_layouts() {
    for (int i = graph_.node_size() - 1; i >= 0; --i) {
      const onnx::NodeProto& node = graph_.node(i);
      const OpImport* const op = find_op_import(node.op_type());
      if (op == nullptr || node.input_size() == 0) continue;
      const bool wanted = std::ranges::any_of(node.output(), [&](const auto& name) { return spatial_.contains(name); });
      if (op->layout == Layout::spatial) spatial_.insert(node.input(0));
      if (op->layout != Layout::pointwise || !wanted) continue;
      for (const std::string& input : node.input()) spatial_.insert(input);
    }
  }

  // -1: any extent.
  std::vector<int64_t> open_dims(const onnx::ValueInfoProto& input) const {
    const std::string name = printable(input.name());
    if (!input.type().tensor_type().has_shape()) refuse(fmt::format("input '{}' has no shape", name));
    std::vector<int64_t> dims;
    for (const auto& dim : input.type().tensor_type().shape().dim()) {
      dims.push_back(dim.has_dim_value() && dim.dim_value() >= 0 ? dim.dim_value() : -1);
    }
    const auto given = options_.shapes.find(input.name());
    if (given == options_.shapes.end()) return dims;
    const Shape& shape = given->second;
    if (!network_.readers.contains(input.name())) return {shape.dims().begin(), shape.dims().end()};
    bool fits = shape.rank() == static_cast<int>(dims.size());
    for (int axis = 0; fits && axis < shape.rank(); ++axis) {
      int64_t& dim = dims[static_cast<size_t>(axis)];
      if (axis == 0 && dim == 1) continue;  // a batch
      fits = dim == -1 || dim == shape[axis];
      dim = shape[axis];
    }
    if (!fits) {
      refuse(fmt::format("input '{}' cannot be {}: the file says {}", name, to_string(shape), fmt::join(dims, "x")));
    }
    return dims;
  }

  void add_inputs() {
    std::vector<std::pair<const onnx::ValueInfoProto*, std::vector<int64_t>>> inputs;
    for (const onnx::ValueInfoProto& input : graph_.input()) {
      if (values_.contains(input.name())) continue;
      if (const std::string why = refusal(input); !why.empty()) {
        reasons_.push_back({printable(input.name()), "input", why});
        lost_.insert(input.name());
      } else {
        inputs.emplace_back(&input, open_dims(input));
      }
    }
    // A first extent that is open, or one, is the batch; if any input has another, all extents are as they are.
    network_.any_batch = std::ranges::all_of(inputs, [](const auto& input) {
      const std::vector<int64_t>& dims = input.second;
      return !dims.empty() && (dims[0] == -1 || dims[0] == 1);
    });
    for (auto& [input, dims] : inputs) add_input(*input, std::move(dims));
  }

  void add_input(const onnx::ValueInfoProto& input, std::vector<int64_t> dims) {
    const std::string name = printable(input.name());
    if (!dims.empty() && dims[0] == -1) dims[0] = 1;
    if (std::ranges::find(dims, -1) != dims.end()) {
      refuse(fmt::format("the file leaves the shape of input '{}' open: give it one", name));
    }
    try {
      const DType type = dtype_of(input.type().tensor_type().elem_type());
      const Shape shape(dims);
      if (shape.elements() == 0) return add_constant(input.name(), make_array(type, shape));
      const int rank = shape.rank();
      const bool picture = rank > 2 && spatial_.contains(input.name());
      const Order order = picture ? channels_last_order(rank) : plain_order(rank);
      const Value value = network_.add_input(input.name(), dims, order);
      const int node = network_.graph.inputs().back();
      result_.inputs.push_back({input.name(), network_.graph.node(node).name, type, shape, order});
      values_[input.name()] = {.name = input.name(), .type = type, .dims = dims, .values = {{order, value}}};
    } catch (const Error& error) {
      refuse(fmt::format("input '{}': {}", name, error.what()));
    }
  }

  void give_up(const onnx::NodeProto& node, const std::string& name, const std::string& why) {
    for (const std::string& output : node.output()) lost_.insert(output);
    if (!why.empty()) reasons_.push_back({printable(name), printable(node.op_type()), why});
  }

  // Whether an earlier node stands for this one.
  bool is_merged(const onnx::NodeProto& proto) const { return network_.merged.contains(&proto); }

  void import(const onnx::NodeProto& proto) {
    NodeImport node(proto, opset_, network_, values_);
    if (is_merged(proto)) return;
    if (proto.op_type() == "Constant" && proto.output_size() == 1 && values_.contains(proto.output(0))) return;
    if (std::ranges::any_of(proto.input(), [&](const std::string& input) { return lost_.contains(input); })) {
      return give_up(proto, node.name(), "");  // the reason is told where the value was lost
    }
    try {
      if (!proto.domain().empty() && proto.domain() != "ai.onnx") {
        return give_up(proto, node.name(),
                       fmt::format("operators of '{}' are not supported", printable(proto.domain())));
      }
      if (fold(node)) return;
      const OpImport* const op = find_op_import(proto.op_type());
      if (op == nullptr) return give_up(proto, node.name(), "the operator is not supported");
      op->import(node);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::format) throw;
      give_up(proto, node.name(), error.what());
    }
  }

  // Computes the node here if all it needs is known.
  bool fold(NodeImport& node) {
    if (node.proto().op_type() == "Shape" || node.proto().op_type() == "Size") return fold_shape(node);
    std::vector<const OnnxArray*> arrays;
    bool trainable = false;
    for (int i = 0; i < node.inputs(); ++i) {
      arrays.push_back(nullptr);
      if (!node.has_input(i)) continue;
      const Operand& operand = node.input(i);
      if (!operand.is_constant()) return false;
      arrays.back() = operand.constant.get();
      trainable = trainable || operand.trainable;
    }
    if (node.proto().op_type() == "Identity" && arrays.size() == 1) {
      node.alias(0, node.input(0));
      return true;
    }
    auto outputs = evaluate(node, arrays, network_.folder());
    if (!outputs) return false;
    for (size_t i = 0; i < outputs->size(); ++i) {
      const bool weight = trainable && (*outputs)[i].is_float();
      node.output(static_cast<int>(i), std::move((*outputs)[i]));
      if (node.has_output(static_cast<int>(i))) values_[node.proto().output(static_cast<int>(i))].trainable = weight;
    }
    return true;
  }

  bool fold_shape(NodeImport& node) {
    const std::vector<int64_t>& dims = node.input(0).dims;
    if (node.proto().op_type() == "Size") {
      node.output(0, with_shape(integers_of({Shape(dims).elements()}), {}));
      return true;
    }
    const SliceRange range = slice_range(std::ssize(dims), 0, node.integer("start", 0),
                                         node.integer("end", std::numeric_limits<int64_t>::max()), 1);
    node.output(0, integers_of({dims.begin() + range.start, dims.begin() + range.start + range.count}));
    return true;
  }

  void add_outputs() {
    if (graph_.output_size() == 0) refuse("the graph has no output");
    for (const onnx::ValueInfoProto& output : graph_.output()) {
      const auto found = values_.find(output.name());
      if (found == values_.end()) refuse(fmt::format("output '{}' comes from nowhere", printable(output.name())));
      Operand& value = found->second;
      OnnxPort port{output.name(), {}, value.type, Shape(value.dims), value.order()};
      if (value.is_constant()) {
        port.constant = value.constant;
      } else {
        if (port.order != channels_last_order(value.rank())) port.order = plain_order(value.rank());
        port.node = network_.in_order(value, port.order).name();
      }
      result_.outputs.push_back(std::move(port));
    }
    for (const OnnxPort& port : result_.outputs) {
      if (port.node.empty()) continue;
      network_.graph.set_output(network_.graph.value(port.node));
      break;
    }
  }

  ParsedModel& parsed_;
  onnx::GraphProto& graph_;
  std::string source_;
  const OnnxImportOptions& options_;
  int64_t opset_;
  GraphImport network_;
  std::map<std::string, Operand> values_;
  std::set<std::string> spatial_;  // values that layers want channels last
  std::set<std::string> lost_;     // outputs of nodes that are not supported
  std::vector<OnnxUnsupported::Reason> reasons_;
  OnnxNetwork result_;
};

std::string describe(const std::string& source, const std::vector<OnnxUnsupported::Reason>& reasons) {
  std::string text =
      fmt::format("{}: {} node{} not supported: ", source, reasons.size(), reasons.size() == 1 ? " is" : "s are");
  for (size_t i = 0; i < reasons.size(); ++i) {
    text += fmt::format("{}'{}' ({}): {}", i > 0 ? "; " : "", reasons[i].node, reasons[i].op, reasons[i].why);
  }
  return text;
}

}  // namespace

OnnxUnsupported::OnnxUnsupported(const std::string& source, std::vector<Reason> reasons)
    : Error(ErrorKind::format, describe(source, reasons)), reasons_(std::move(reasons)) {}

OnnxNetwork import_onnx(const std::filesystem::path& path, const OnnxImportOptions& options) {
  const MappedFile file(path);
  ParsedModel parsed = parse_model(file.bytes(), printable(path));
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  return Walk(parsed, printable(path), folder, options).run();
}

OnnxNetwork import_onnx(std::span<const std::byte> bytes, const std::string& source, const OnnxImportOptions& options) {
  ParsedModel parsed = parse_model(bytes, source);
  return Walk(parsed, source, {}, options).run();
}

std::vector<OnnxInput> onnx_inputs(const std::filesystem::path& path) {
  const MappedFile file(path);
  const onnx::ModelProto model = parse_model(file.bytes(), printable(path)).model;
  std::set<std::string> values;  // names that need one
  for (const onnx::NodeProto& node : model.graph().node()) {
    const OpImport* const op = find_op_import(node.op_type());
    for (int i = 0; op != nullptr && i < node.input_size(); ++i) {
      if (op->reads_constant(i)) values.insert(node.input(i));
    }
  }
  std::set<std::string> initializers;
  for (const onnx::TensorProto& tensor : model.graph().initializer()) initializers.insert(tensor.name());
  std::vector<OnnxInput> inputs;
  std::vector<OnnxUnsupported::Reason> reasons;
  for (const onnx::ValueInfoProto& input : model.graph().input()) {
    if (initializers.contains(input.name())) continue;
    const std::string why = refusal(input);
    if (!why.empty()) {
      reasons.push_back({printable(input.name()), "input", why});
      continue;
    }
    inputs.push_back({input.name(), dtype_of(input.type().tensor_type().elem_type()), values.contains(input.name())});
  }
  if (!reasons.empty()) throw OnnxUnsupported(printable(path), std::move(reasons));
  return inputs;
}

}  // namespace fovea
