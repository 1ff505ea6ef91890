// The weights of an ONNX file without its network.
#include "io/onnx/array.h"
#include "io/onnx/lean.h"
#include "io/onnx/proto.h"
#include "io/tensor_readers.h"
#include "ops/checks.h"

namespace fovea {

namespace {

// Elements that protobuf has unpacked.
StoredTensor unpacked(const onnx::TensorProto& proto, TensorFile& file) {
  auto bytes = std::make_shared<std::vector<std::byte>>();
  StoredTensor tensor = to_stored_tensor(read_array(proto, {}), proto.name(), *bytes);
  file.memory.push_back(std::move(bytes));
  return tensor;
}

// Elements where they lie in the file.
StoredTensor in_place(const onnx::TensorProto& proto, std::span<const std::byte> raw) {
  StoredTensor tensor{.name = proto.name(),
                      .dtype = dtype_of(proto.data_type()),
                      .shape = Shape(std::vector<int64_t>(proto.dims().begin(), proto.dims().end())),
                      .bytes = raw};
  const auto wanted = static_cast<uint64_t>(tensor.shape.elements()) * item_size(tensor.dtype);
  require(raw.size() == wanted, "tensor '{}': {} elements of {} take {} bytes, got {}", proto.name(),
          to_string(tensor.shape), to_string(tensor.dtype), wanted, raw.size());
  return tensor;
}

}  // namespace

TensorFile read_onnx_tensors(std::span<const std::byte> bytes, const std::string& source) {
  TensorFile file{.source = source, .format = "ONNX", .tensors = {}};
  const ParsedModel parsed = parse_model(bytes, source);
  try {
    for (int i = 0; i < parsed.model.graph().initializer_size(); ++i) {
      const onnx::TensorProto& proto = parsed.model.graph().initializer(i);
      const std::span<const std::byte> raw = parsed.raw_data(i);
      file.tensors.push_back(raw.empty() ? unpacked(proto, file) : in_place(proto, raw));
    }
  } catch (const Error& error) {
    throw Error(error.kind(), source + ": " + error.what());
  }
  for (const onnx::StringStringEntryProto& entry : parsed.model.metadata_props()) {
    file.metadata.emplace(entry.key(), entry.value());
  }
  return file;
}

}  // namespace fovea
