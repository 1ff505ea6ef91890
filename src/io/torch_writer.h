#pragma once

#include <filesystem>
#include <span>

#include "fovea/tensor_file.h"

namespace fovea {

// A zip archive as torch.save makes it, of an OrderedDict of tensors. They are row-major (no strides) and of dtypes
// that PyTorch has storages of: Error(usage) for unsigned integers of more than 8 bits.
void write_torch(const std::filesystem::path& path, std::span<const StoredTensor> tensors);

}  // namespace fovea
