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

// The model in an opened file; `source` stands for the file in messages.
Model read_model(const SafetensorsFile& file, const std::string& source);

}  // namespace fovea
