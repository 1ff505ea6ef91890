// The walk over a network that is written as an ONNX file.
#include <limits>

#include "core/file.h"
#include "fovea/onnx.h"
#include "fovea/version.h"
#include "io/onnx/export_graph.h"
#include "io/onnx/metadata.h"
#include "io/onnx/operand.h"

namespace fovea {

namespace {

constexpr int opset = 17;      // the first with LayerNormalization
constexpr int ir_version = 8;  // that goes with it

// A float tensor {N, ...} in the file's order.
void describe(onnx::ValueInfoProto& info, const std::string& name, const Shape& shape) {
  info.set_name(name);
  onnx::TypeProto_Tensor& type = *info.mutable_type()->mutable_tensor_type();
  type.set_elem_type(onnx::TensorProto::FLOAT);
  type.mutable_shape()->add_dim()->set_dim_param("N");
  if (shape.rank() > 2) type.mutable_shape()->add_dim()->set_dim_value(shape.back());
  for (int axis = 1; axis < shape.rank() - (shape.rank() > 2 ? 1 : 0); ++axis) {
    type.mutable_shape()->add_dim()->set_dim_value(shape[axis]);
  }
}

// What the output needs.
std::vector<bool> needed(const Graph& graph) {
  std::vector<bool> needed(graph.nodes().size(), false);
  needed[static_cast<size_t>(graph.output_node())] = true;
  for (int i = graph.output_node(); i >= 0; --i) {
    if (!needed[static_cast<size_t>(i)]) continue;
    for (const int input : graph.node(i).inputs) needed[static_cast<size_t>(input)] = true;
  }
  return needed;
}

void write_graph(const Model& model, onnx::GraphProto& file) {
  const Graph& graph = model.graph();
  GraphExport out(model, file);
  const std::vector<bool> wanted = needed(graph);
  std::vector<OnnxUnsupported::Reason> reasons;
  for (int i = 0; i < std::ssize(graph.nodes()); ++i) {
    const Node& node = graph.node(i);
    if (!wanted[static_cast<size_t>(i)]) continue;
    if (!node.op) {
      out.computed(i, Lies::channels_first);
      describe(*file.add_input(), node.name, node.shape);
      continue;
    }
    const std::string op(node.op->type());
    out.computed(i, Lies::channels_first);  // so that what reads an op without an operator can go on
    const OpExport* const write = find_op_export(op);
    if (write == nullptr) {
      reasons.push_back({node.name, op, "ONNX has no operator for it"});
      continue;
    }
    try {
      NodeExport writer(out, i);
      write->write(writer);
    } catch (const Error& error) {
      reasons.push_back({node.name, op, error.what()});
    }
  }
  if (!reasons.empty()) throw OnnxUnsupported("the network as ONNX", std::move(reasons));
  const int output = graph.output_node();
  describe(*file.add_output(), out.name(output, Lies::channels_first), graph.node(output).shape);
}

}  // namespace

std::string export_onnx(const Model& model) {
  if (model.graph().nodes().empty()) throw Error(ErrorKind::usage, "the model has no nodes to write as ONNX");
  onnx::ModelProto file;
  file.set_ir_version(ir_version);
  file.set_producer_name("fovea");
  file.set_producer_version(version());
  onnx::OperatorSetIdProto& operators = *file.add_opset_import();
  operators.set_domain("");
  operators.set_version(opset);
  file.mutable_graph()->set_name("network");
  write_graph(model, *file.mutable_graph());
  write_metadata(model, file);
  if (file.ByteSizeLong() > static_cast<size_t>(std::numeric_limits<int>::max())) {
    throw Error(ErrorKind::format, "the network is larger than the 2 GiB that an ONNX file can hold");
  }
  return file.SerializeAsString();
}

void export_onnx(const Model& model, const std::filesystem::path& path) {
  const std::string bytes = export_onnx(model);
  write_file_atomically(path, std::as_bytes(std::span(bytes)));
}

}  // namespace fovea
