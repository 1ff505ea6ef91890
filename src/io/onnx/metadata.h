#pragma once

#include "fovea/model.h"
#include "io/onnx/proto.h"

namespace fovea {

// Preprocessing and class names, as export_onnx leaves them. Throws Error(format) when they make no sense.
void read_metadata(const onnx::ModelProto& file, Model& model);
void write_metadata(const Model& model, onnx::ModelProto& file);

}  // namespace fovea
