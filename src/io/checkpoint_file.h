#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "fovea/model.h"
#include "fovea/safetensors.h"

namespace fovea {

// save_model with more tensors and metadata in the same file.
void save_model_with(const Model& model, const std::filesystem::path& path, std::span<const NamedTensor> tensors,
                     const std::map<std::string, std::string>& metadata);

// What a model file says of the network beside its parameters. Throws Error(usage) naming `path` for a model without a
// graph, or a class name that is not UTF-8.
std::map<std::string, std::string> model_metadata(const Model& model, const std::filesystem::path& path);

// The model that such metadata and these tensors, by their names, make; `source` stands for the file in messages.
Model assemble_model(const std::map<std::string, std::string>& metadata, std::map<std::string, Tensor> tensors,
                     const std::string& source);

// The model in an opened file; `source` stands for the file in messages.
Model read_model(const SafetensorsFile& file, const std::string& source);

}  // namespace fovea
