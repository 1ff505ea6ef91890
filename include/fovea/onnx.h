#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "fovea/dtype.h"
#include "fovea/error.h"
#include "fovea/model.h"
#include "fovea/tensor.h"
#include "fovea/tensor_file.h"

// ONNX files (https://onnx.ai), opset 7 to 21 and most graphs of older ones, in and out. docs/onnx.md lists the
// operators.
namespace fovea {

// An array as ONNX has it. Numbers with a point are held as float32, whole numbers and booleans as int64.
struct OnnxArray {
  DType type = DType::f32;
  Shape shape;
  Tensor floats;                    // of f64, f32, f16, bf16
  std::vector<int64_t> integers{};  // of every other type

  bool is_float() const { return type <= DType::bf16; }
  int64_t size() const { return shape.elements(); }
};

// An input or output of an ONNX graph, and the node of the imported network that stands for it.
struct OnnxPort {
  std::string name;         // in the file
  std::string node;         // in the network; empty where `constant` is set
  DType type = DType::f32;  // in the file; the network computes in float32
  Shape shape;              // in the file's order, such as {1, C, H, W}; with dimension 0 as in the network's graph
  std::vector<int> order;   // axis k of the node's value is axis order[k] of the file: {0, 2, 3, 1} for a picture
  std::shared_ptr<const OnnxArray> constant{};  // an output that does not depend on any input
};

struct OnnxNetwork {
  Model model;
  std::vector<OnnxPort> inputs;
  std::vector<OnnxPort> outputs;  // the first is the output of the model's graph
  bool any_batch = false;         // dimension 0 of the inputs is a batch of any size; otherwise sessions have batch 1
};

struct OnnxImportOptions {
  // Extents of inputs that the file leaves open (symbolic dimensions other than the batch), in the file's order.
  std::map<std::string, Shape> shapes{};
  // Values of inputs that are not to stay inputs: weights, or what determines shapes.
  std::map<std::string, OnnxArray> values{};
};

// What import_onnx throws for a network that uses what Fovea does not have.
class OnnxUnsupported : public Error {
 public:
  struct Reason {
    std::string node;
    std::string op;
    std::string why;
  };
  OnnxUnsupported(const std::string& source, std::vector<Reason> reasons);
  const std::vector<Reason>& reasons() const { return reasons_; }

 private:
  std::vector<Reason> reasons_;
};

// An ONNX graph as an editable, trainable network. Nodes are named as in the file, and parameters as its initialisers.
// Pictures {N,C,H,W} become {N,H,W,C}, at the inputs and outputs too, as the ports say; layers in between that need
// another order get transposes. What depends on constants and shapes alone (Shape, Gather, Concat ...) is computed
// here. Weights of dense layers are brought to {units, C}. Dropout and batch normalisation stay what they are for
// training. Preprocessing and class names are those that export_onnx left in the metadata. External data must lie
// inside the file's folder. Throws Error(data) when a file cannot be read, Error(format) when it is damaged,
// OnnxUnsupported (an Error(format)) naming every node that cannot be had.
// load_model (model_file.h) reads files that end in .onnx by it.
OnnxNetwork import_onnx(const std::filesystem::path& path, const OnnxImportOptions& options = {});
// The same of bytes; `source` stands for the file in messages. External data are refused.
OnnxNetwork import_onnx(std::span<const std::byte> bytes, const std::string& source,
                        const OnnxImportOptions& options = {});

// An input of a file, before it is imported.
struct OnnxInput {
  std::string name;
  DType type;
  bool needs_value;  // it is read as weights or as a shape: OnnxImportOptions::values must have it
};
// All inputs that are not initialisers, in the file's order. Throws OnnxUnsupported for inputs that are no tensors of
// numbers.
std::vector<OnnxInput> onnx_inputs(const std::filesystem::path& path);

// Runs the network once for inputs by their names in the file, in its order and element types; so are the outputs. A
// number that an element type cannot hold is rounded. Throws Error(usage) for an input that
// is missing, unknown or of another shape.
std::vector<OnnxArray> run_onnx(OnnxNetwork& network, const std::map<std::string, OnnxArray>& inputs);

// A tensor of a file of any format as run_onnx takes it, and what it gives as write_tensor_file takes it: F32, BOOL or
// I64, the bytes being put into `bytes`. Whole numbers beyond 2^53 are rounded.
OnnxArray to_onnx_array(const StoredTensor& tensor);
StoredTensor to_stored_tensor(const OnnxArray& array, const std::string& name, std::vector<std::byte>& bytes);

// A network as an ONNX file of operator set 17: pictures {N,C,H,W} at the interface, for any batch; every node and
// parameter under its own name, in PyTorch's order; preprocessing and class names in the metadata ("fovea.*"). What
// import_onnx makes of it computes the same, and gives the same file when exported. Auxiliary outputs are left out, and
// so is what training alone does, dropout excepted.
// Throws Error(data) when the file cannot be written, OnnxUnsupported naming every node that ONNX has no operators for.
void export_onnx(const Model& model, const std::filesystem::path& path);
std::string export_onnx(const Model& model);  // its bytes

// An array from a file of one serialised TensorProto, such as input_0.pb in ONNX's test folders. Throws Error(data)
// when it cannot be read, Error(format) when it is damaged or holds text, a list or nothing.
OnnxArray read_onnx_array(const std::filesystem::path& path);

// A folder in the layout of ONNX's backend tests: model.onnx and test_data_set_*/input_*.pb, output_*.pb.
struct OnnxCheck {
  enum class Outcome { passed, failed, unsupported };
  Outcome outcome = Outcome::passed;
  std::string reason{};  // unless it passed
};
// Runs the model on every data set. It passes where every output has the type, shape and elements that are expected:
// whole numbers equal, others within 1e-7 + 1e-3 |expected| (bfloat16: 2^-7). Inputs that determine shapes, or are
// weights of a layer, get their values when the model is read.
OnnxCheck check_onnx(const std::filesystem::path& folder);

}  // namespace fovea
