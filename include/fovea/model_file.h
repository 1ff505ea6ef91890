#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "fovea/model.h"
#include "fovea/safetensors.h"

namespace fovea {

// A model is one safetensors file: parameters (F32, those of bytes I8) under PyTorch names, and in the metadata
//   fovea.version        "1"
//   fovea.graph          JSON: nodes, ops, attributes, inputs, output
//   fovea.preprocessing  JSON: height, width, channels, padding, mean, std
//   fovea.classes        JSON: list of class names
// Checkpoints of a training run add tensors "optimizer.*" and "fovea.training"; they load as models all the same.

// The file appears whole or not at all; an older one stays if writing fails. Throws Error(data) when it cannot be
// written, Error(usage) for a model without a graph.
void save_model(const Model& model, const std::filesystem::path& path);

// Reads what save_model and save_compressed (compress.h) wrote, and ONNX files by their extension.
// Throws Error(data) when the file cannot be read, Error(format) naming the file, the node or the tensor when it is not
// a model file, is damaged, or its parts do not fit together. Nothing in the file is trusted: memory for parameters is
// taken only after the tensors in the file turned out to have exactly the shapes that the graph asks for.
// Large tensors stay in the file (Tensor::map): while the model is in use the file may be replaced as a whole, as
// save_model does, but not be written to.
Model load_model(const std::filesystem::path& path);

struct LoadWeightsOptions {
  std::string skip{};  // parameters whose names start with this keep their values; empty: none
};

// Copies parameters of equal name and shape from any file that open_tensor_file reads, such as a PyTorch checkpoint,
// the weights being its state_dict(); a prefix that all of the network's names have there ("model.") is passed over.
// Nothing is changed unless everything fits: Error(format) lists the names that are missing in the file, unexpected, or
// of another shape. Entries "*.num_batches_tracked" (PyTorch) and "optimizer.*" are passed over.
void load_weights(Model& model, const std::filesystem::path& path, const LoadWeightsOptions& options = {});

}  // namespace fovea
