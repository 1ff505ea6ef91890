#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "fovea/tensor_file.h"
#include "io/zip.h"

// The readers behind parse_tensor_file, one file each. `bytes` outlive the result; Error(format) opens with `source`.
namespace fovea {

TensorFile read_safetensors(std::span<const std::byte> bytes, const std::string& source);

TensorFile read_hdf5_tensors(std::span<const std::byte> bytes, const std::string& source);

// The initialisers of a model, as they lie in the file; those in other files are refused.
TensorFile read_onnx_tensors(std::span<const std::byte> bytes, const std::string& source);

// `prefix` is the archive's own folder: "name/", empty for none.
TensorFile read_torch_zip(const ZipEntries& entries, const std::string& prefix, const std::string& source);
TensorFile read_torch_legacy(std::span<const std::byte> bytes, const std::string& source);

TensorFile read_npy(std::span<const std::byte> bytes, const std::string& source);
TensorFile read_npz(const ZipEntries& entries, const std::string& source);

// A view of `storage` (items of that type, its first at `offset`) as a tensor. Throws Error(format) without a source
// unless all elements lie within, and for a view that repeats items to more than 2^24 elements.
StoredTensor make_view(std::string name, DType dtype, std::span<const std::byte> storage, uint64_t offset,
                       std::span<const int64_t> extents, std::span<const int64_t> strides);

}  // namespace fovea
