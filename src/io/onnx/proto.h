#pragma once

#include <onnx/onnx_pb.h>

#include <cstddef>
#include <span>
#include <string>

#include "io/onnx/types.h"

namespace fovea {

// Parses a serialised message without a word on standard error. Throws Error(format) that opens with `source`.
void parse_proto(std::span<const std::byte> bytes, const std::string& source, google::protobuf::MessageLite& message);

// The version of the default operator set.
int64_t opset_version(const onnx::ModelProto& model);

}  // namespace fovea
