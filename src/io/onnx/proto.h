#pragma once

#include <onnx/onnx_pb.h>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "io/onnx/types.h"

namespace fovea {

// Parses a serialised message without a word on standard error. Throws Error(format) that opens with `source`.
void parse_proto(std::span<const std::byte> bytes, const std::string& source, google::protobuf::MessageLite& message);

// A model, and the raw data of its initialisers that stayed in the bytes it was parsed from.
struct ParsedModel {
  onnx::ModelProto model;
  std::vector<std::span<const std::byte>> raw{};

  // Of initialiser i; empty where protobuf has them.
  std::span<const std::byte> raw_data(int i) const;
};
// Throws Error(format) that opens with `source` for what is no model.
ParsedModel parse_model(std::span<const std::byte> bytes, const std::string& source);

// The version of the default operator set.
int64_t opset_version(const onnx::ModelProto& model);

}  // namespace fovea
