#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include "fovea/safetensors.h"

namespace fovea {

// Tensors as entries of a file. Throws Error(usage) naming `path` and the tensor when one has no elements' memory.
std::vector<SafetensorsEntry> f32_entries(const std::filesystem::path& path, std::span<const NamedTensor> tensors);

}  // namespace fovea
