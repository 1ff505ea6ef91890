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

// Named tensors in the files people have. One interface for all of them; what each format is and how far it is read is
// told in docs/formats.md. Files are hostile: everything is checked before it is used, sizes before memory is taken,
// and nothing in a file is ever executed.
namespace fovea {

class MappedFile;

// A tensor where it lies in its file, mapped and not yet read.
struct StoredTensor {
  std::string name;
  DType dtype;
  Shape shape;
  // The elements, little-endian, not necessarily aligned. Without strides they are row-major and fill the bytes;
  // with them element (i, j, ...) is item i * strides[0] + j * strides[1] + ... of the bytes.
  std::span<const std::byte> bytes;
  std::vector<int64_t> strides{};
};

struct TensorFile {
  std::string source;  // the file, as messages name it
  std::string format;  // "safetensors", "PyTorch", "npy", "npz", "HDF5", "ONNX"
  std::vector<StoredTensor> tensors;
  std::map<std::string, std::string> metadata{};  // texts and numbers beside the tensors
  std::string state_dict{};  // of a PyTorch checkpoint: what the names of its weights begin with, "state_dict."
  // What the tensors' bytes lie in: the mapped file, and what had to be unpacked from it.
  std::shared_ptr<const MappedFile> mapping{};
  std::vector<std::shared_ptr<const void>> memory{};

  // Null when there is no such tensor.
  const StoredTensor* find(std::string_view name) const;
  // Lets the system take back the memory of a mapped tensor, which is read from the file again when used again.
  void release(const StoredTensor& tensor) const noexcept;
  // One of the tensors in row-major order as float32, converted as decode() does. What is stored so already, in a large
  // tensor of an opened file, is not copied: see Tensor::map().
  Tensor read_f32(const StoredTensor& tensor) const;
};

// Opens a file of any known format, told by its content:
//   safetensors
//   PyTorch (torch.save): zip and the older format; tensors in dicts and lists, named by their keys joined with dots,
//     plain values beside them as metadata; storages shared and strided. The pickle may hold nothing else: any other
//     global or opcode is refused by its name.
//   NumPy: .npy (one tensor, called "array") versions 1 to 3, .npz stored or deflated
//   ONNX, by the name ending in .onnx: the initialisers of the graph
//   HDF5 as Keras writes it: the arrays of numbers by their paths; not in chunks, not compressed
// Throws Error(data) when the file cannot be read, Error(format), one line that names the file and what is wrong with
// it, when it is damaged, hostile, or of no known format.
TensorFile open_tensor_file(const std::filesystem::path& path);
// The same of bytes that the caller keeps alive; `source` stands for the file in messages.
TensorFile parse_tensor_file(std::span<const std::byte> bytes, const std::string& source);

// The elements in row-major order as float32, converted as decode() does.
Tensor read_f32(const StoredTensor& tensor);
// Throws Error(usage) unless there are as many values as elements.
void read_f32(const StoredTensor& tensor, std::span<float> values);

// The elements in row-major order as stored: the tensor's own bytes, or a copy in `copy` where it has strides.
std::span<const std::byte> row_major(const StoredTensor& tensor, std::vector<std::byte>& copy);

// A network's weights among all that a file holds, under their own names: of a PyTorch checkpoint the tensors in
// its dict "state_dict" (or "model_state_dict", "model", "net", "params", the first that there is), else all, without
// the "module." that DataParallel puts before every name; of an HDF5 file the weights of Keras's layers, in PyTorch's
// order, as "layer.weight", "layer.bias", "layer.running_mean" and "layer.running_var".
std::vector<StoredTensor> state_dict(const TensorFile& file);

// Over the finite elements, in double; all zero when there are none.
struct TensorStatistics {
  double min = 0;
  double max = 0;
  double mean = 0;
  double std = 0;  // of all finite elements: divided by their number
  int64_t nans = 0;
  int64_t infinities = 0;
};
TensorStatistics measure(const StoredTensor& tensor);

// Writes tensors in the format that the extension says: .safetensors, .npz, .npy (one tensor), or .pt, .pth and .th for
// PyTorch, as an OrderedDict in a zip archive; dtypes stay as they are, but that bf16 becomes F32 for NumPy. Metadata
// go to safetensors alone. The file appears whole or not at all. Throws Error(usage) for another extension, a name that
// occurs twice, or what the format cannot hold; Error(data) when the file cannot be written.
void write_tensor_file(const std::filesystem::path& path, std::span<const StoredTensor> tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace fovea
