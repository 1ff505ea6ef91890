#include "io/onnx/proto.h"

#include <fmt/format.h>
#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "fovea/error.h"
#include "io/onnx/lean.h"

namespace fovea {

namespace {

constexpr std::array<std::pair<int32_t, DType>, 13> types = {{{onnx::TensorProto::DOUBLE, DType::f64},
                                                              {onnx::TensorProto::FLOAT, DType::f32},
                                                              {onnx::TensorProto::FLOAT16, DType::f16},
                                                              {onnx::TensorProto::BFLOAT16, DType::bf16},
                                                              {onnx::TensorProto::INT64, DType::i64},
                                                              {onnx::TensorProto::INT32, DType::i32},
                                                              {onnx::TensorProto::INT16, DType::i16},
                                                              {onnx::TensorProto::INT8, DType::i8},
                                                              {onnx::TensorProto::UINT64, DType::u64},
                                                              {onnx::TensorProto::UINT32, DType::u32},
                                                              {onnx::TensorProto::UINT16, DType::u16},
                                                              {onnx::TensorProto::UINT8, DType::u8},
                                                              {onnx::TensorProto::BOOL, DType::boolean}}};

}  // namespace

void parse_proto(std::span<const std::byte> bytes, const std::string& source, google::protobuf::MessageLite& message) {
  if (bytes.size() > std::numeric_limits<int>::max()) {
    throw Error(ErrorKind::format, fmt::format("{}: protobuf files end at 2 GiB, this one has {} bytes: keep the "
                                               "weights in an external file",
                                               source, bytes.size()));
  }
  const google::protobuf::LogSilencer silence;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    throw Error(ErrorKind::format,
                fmt::format("{}: not an ONNX file, or a damaged one (it is not a {})", source, message.GetTypeName()));
  }
}

std::span<const std::byte> ParsedModel::raw_data(int i) const {
  const auto at = static_cast<size_t>(i);
  return at < raw.size() ? raw[at] : std::span<const std::byte>();
}

ParsedModel parse_model(std::span<const std::byte> bytes, const std::string& source) {
  ParsedModel parsed;
  std::optional<LeanModel> lean = without_raw_data(bytes);
  if (lean) {
    parse_proto(std::as_bytes(std::span(lean->bytes)), source, parsed.model);
    parsed.raw = std::move(lean->raw);
  } else {
    parse_proto(bytes, source, parsed.model);
  }
  if (!parsed.model.has_graph()) {
    throw Error(ErrorKind::format, fmt::format("{}: not an ONNX model: it has no graph", source));
  }
  return parsed;
}

int64_t opset_version(const onnx::ModelProto& model) {
  int64_t version = 1;  // of files that name none
  for (const onnx::OperatorSetIdProto& opset : model.opset_import()) {
    if (opset.domain().empty() || opset.domain() == "ai.onnx") version = std::max(version, opset.version());
  }
  return version;
}

DType dtype_of(int32_t onnx_type) {
  const auto found = std::ranges::find(types, onnx_type, &std::pair<int32_t, DType>::first);
  if (found != types.end()) return found->second;
  const std::string name = onnx::TensorProto::DataType_IsValid(onnx_type)
                               ? onnx::TensorProto::DataType_Name(static_cast<onnx::TensorProto::DataType>(onnx_type))
                               : fmt::format("number {}", onnx_type);
  throw Error(ErrorKind::format, fmt::format("elements of type {} are not supported", name));
}

int32_t onnx_type_of(DType type) { return std::ranges::find(types, type, &std::pair<int32_t, DType>::second)->first; }

}  // namespace fovea
