#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>

#include "core/file.h"
#include "core/text.h"
#include "fovea/error.h"
#include "fovea/safetensors.h"
#include "fovea/tensor_file.h"
#include "io/json.h"
#include "io/npy.h"
#include "io/torch_writer.h"
#include "io/zip_writer.h"

namespace fovea {

namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const fs::path& path, const std::string& why) {
  throw Error(ErrorKind::usage, fmt::format("cannot write {}: {}", printable(path), why));
}

// The tensors without strides, in memory of their own where they had some.
class Plain {
 public:
  explicit Plain(std::span<const StoredTensor> tensors)
      : tensors_(tensors.begin(), tensors.end()), copies_(tensors.size()) {
    for (size_t i = 0; i < tensors_.size(); ++i) {
      tensors_[i].bytes = row_major(tensors_[i], copies_[i]);
      tensors_[i].strides.clear();
    }
  }

  // NumPy has no bfloat16.
  void widen_bf16() {
    for (size_t i = 0; i < tensors_.size(); ++i) {
      if (tensors_[i].dtype != DType::bf16) continue;
      std::vector<float> values(static_cast<size_t>(tensors_[i].shape.elements()));
      decode(DType::bf16, tensors_[i].bytes, values);
      const auto bytes = std::as_bytes(std::span(values));
      copies_[i].assign(bytes.begin(), bytes.end());
      tensors_[i].dtype = DType::f32;
      tensors_[i].bytes = copies_[i];
    }
  }

  const std::vector<StoredTensor>& tensors() const { return tensors_; }

 private:
  std::vector<StoredTensor> tensors_;
  std::vector<std::vector<std::byte>> copies_;
};

void write_npy(const fs::path& path, const StoredTensor& tensor) {
  const std::string header = npy_header(tensor.dtype, tensor.shape);
  AtomicFile file(path);
  file.append(std::as_bytes(std::span(header)));
  file.append(tensor.bytes);
  file.commit();
}

void write_npz(const fs::path& path, const std::vector<StoredTensor>& tensors) {
  ZipWriter archive(path);
  for (const StoredTensor& tensor : tensors) {
    const std::string header = npy_header(tensor.dtype, tensor.shape);
    archive.add(tensor.name + ".npy", {std::as_bytes(std::span(header)), tensor.bytes});
  }
  archive.finish();
}

void write_stored(const fs::path& path, const std::vector<StoredTensor>& tensors,
                  const std::map<std::string, std::string>& metadata) {
  std::vector<SafetensorsEntry> entries;
  for (const StoredTensor& tensor : tensors) entries.push_back({tensor.name, tensor.dtype, tensor.shape, tensor.bytes});
  std::ranges::stable_sort(entries, std::greater(), [](const auto& entry) { return item_size(entry.dtype); });
  write_safetensors_entries(path, entries, metadata);
}

void check_names(const fs::path& path, std::span<const StoredTensor> tensors) {
  std::set<std::string_view> names;
  for (const StoredTensor& tensor : tensors) {
    if (!names.insert(tensor.name).second)
      refuse(path, fmt::format("two tensors are called {}", quote_name(tensor.name)));
  }
}

}  // namespace

void write_tensor_file(const fs::path& path, std::span<const StoredTensor> tensors,
                       const std::map<std::string, std::string>& metadata) {
  check_names(path, tensors);
  Plain plain(tensors);
  const std::string extension = path.extension().string();
  if (extension == ".safetensors") return write_stored(path, plain.tensors(), metadata);
  if (extension == ".pt" || extension == ".pth" || extension == ".th") return write_torch(path, plain.tensors());
  plain.widen_bf16();
  if (extension == ".npz") return write_npz(path, plain.tensors());
  if (extension != ".npy") {
    refuse(path, "the extension says no format; known are .safetensors, .pt, .pth, .th, .npz and .npy");
  }
  if (tensors.size() != 1) refuse(path, fmt::format("an .npy file holds one tensor, there are {}", tensors.size()));
  write_npy(path, plain.tensors().front());
}

}  // namespace fovea
