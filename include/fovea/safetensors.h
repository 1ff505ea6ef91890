#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/dtype.h"
#include "fovea/shape.h"
#include "fovea/tensor.h"

namespace fovea {

class MappedFile;

// The safetensors format (https://github.com/huggingface/safetensors): the length of the header as 8 little-endian
// bytes, a JSON header {"name": {"dtype", "shape", "data_offsets": [begin, end]}, ..., "__metadata__": {key: text}},
// then the elements. Names, shapes and metadata are the caller's affair; nothing in a file is ever executed.

// One tensor of a file. `bytes` lie in the file as stored: little-endian, row-major, not necessarily aligned.
struct SafetensorsEntry {
  std::string name;
  DType dtype;
  Shape shape;
  std::span<const std::byte> bytes;
};

// A safetensors file, memory-mapped: opening reads the header only. Everything is checked before use: length and JSON
// of the header, names used twice, dtypes, shapes, and that the tensors cover the bytes after the header without
// overlap or gap. Error(format) names the file, the tensor and what is wrong with it.
class SafetensorsFile {
 public:
  // Throws Error(data) when the file cannot be read.
  static SafetensorsFile open(const std::filesystem::path& path);
  // Reads bytes that the caller keeps alive; `source` stands for the file in messages.
  static SafetensorsFile parse(std::span<const std::byte> bytes, std::string source);

  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  // In the order of their bytes.
  const std::vector<SafetensorsEntry>& entries() const { return entries_; }
  bool contains(std::string_view name) const { return index_.find(name) != index_.end(); }
  // Throw Error(format) when there is no such tensor.
  const SafetensorsEntry& entry(std::string_view name) const;
  // Any dtype, converted as decode() does. A large F32 tensor of an opened file is not copied: see Tensor::map().
  Tensor read_f32(std::string_view name) const;
  // The same into `values`, as many as the tensor has. Of an opened file's memory hardly anything stays resident.
  void read_f32(std::string_view name, std::span<float> values) const;

 private:
  std::string source_;
  std::map<std::string, std::string> metadata_;
  std::vector<SafetensorsEntry> entries_;
  std::map<std::string, size_t, std::less<>> index_;  // name -> place in entries_
  std::shared_ptr<const MappedFile> mapping_;         // none: somebody else's bytes
};

struct NamedTensor {
  std::string name;
  const Tensor* tensor;
};

// Writes F32 tensors in the given order, the bytes determined by the arguments alone. The file appears whole or not at
// all: after a failure an older one is still there. Throws Error(data) when it cannot be written (no such folder, disk
// full, ...), Error(usage) when a name occurs twice or is "__metadata__", a tensor has no elements' memory, a text is
// not UTF-8, or the header would pass the format's limit of 100 MB.
void write_safetensors(const std::filesystem::path& path, std::span<const NamedTensor> tensors,
                       const std::map<std::string, std::string>& metadata = {});
// The same of elements as they are stored, of any dtype; bytes fit dtype and shape. Other readers want those of the
// largest items first, so that all are aligned.
void write_safetensors_entries(const std::filesystem::path& path, std::span<const SafetensorsEntry> tensors,
                               const std::map<std::string, std::string>& metadata = {});
// The same bytes in memory; `path` stands for the file in messages.
std::vector<std::byte> encode_safetensors(const std::filesystem::path& path, std::span<const SafetensorsEntry> tensors,
                                          const std::map<std::string, std::string>& metadata);

}  // namespace fovea
