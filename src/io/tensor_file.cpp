#include "fovea/tensor_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "core/file.h"
#include "core/text.h"
#include "fovea/error.h"
#include "fovea/safetensors.h"
#include "io/decode.h"
#include "io/hdf5.h"
#include "io/tensor_readers.h"

namespace fovea {

namespace {

using Bytes = std::span<const std::byte>;

bool begins_with(Bytes bytes, std::string_view signature) {
  return bytes.size() >= signature.size() && std::memcmp(bytes.data(), signature.data(), signature.size()) == 0;
}

[[noreturn]] void refuse(const std::string& source, const std::string& why) {
  throw Error(ErrorKind::format, fmt::format("{}: {}", source, why));
}

// A PyTorch file is one with NAME/data.pkl; a NumPy file has arrays only.
TensorFile read_archive(Bytes bytes, const std::string& source) {
  const ZipEntries entries = read_zip(bytes, source);
  constexpr std::string_view object = "data.pkl";
  for (const auto& [name, entry] : entries) {
    if (!name.ends_with(object)) continue;
    const std::string prefix = name.substr(0, name.size() - object.size());
    if (!prefix.empty() && prefix.find('/') != prefix.size() - 1) continue;
    if (entries.contains(prefix + "constants.pkl")) {
      refuse(source, "a TorchScript archive, which holds code; save the network's state_dict() instead");
    }
    return read_torch_zip(entries, prefix, source);
  }
  const bool arrays = std::ranges::all_of(entries, [](const auto& item) { return item.first.ends_with(".npy"); });
  if (!arrays) refuse(source, "a zip archive, but neither a PyTorch nor a NumPy file");
  return read_npz(entries, source);
}

// Copies the items of a strided tensor one after the other.
template <size_t item>
void gather(const StoredTensor& tensor, std::byte* to) {
  const int rank = tensor.shape.rank();
  std::vector<int64_t> index(static_cast<size_t>(rank), 0);
  const int64_t inner = rank == 0 ? 1 : tensor.shape.back();
  const int64_t inner_stride = rank == 0 ? 0 : tensor.strides.back();
  const int64_t rows = inner == 0 ? 0 : tensor.shape.elements() / inner;
  for (int64_t row = 0; row < rows; ++row) {
    int64_t at = 0;
    for (int axis = 0; axis + 1 < rank; ++axis)
      at += index[static_cast<size_t>(axis)] * tensor.strides[static_cast<size_t>(axis)];
    const std::byte* from = tensor.bytes.data() + at * static_cast<int64_t>(item);
    for (int64_t i = 0; i < inner; ++i, to += item)
      std::memcpy(to, from + i * inner_stride * static_cast<int64_t>(item), item);
    for (int axis = rank - 2; axis >= 0; --axis) {
      if (++index[static_cast<size_t>(axis)] < tensor.shape[axis]) break;
      index[static_cast<size_t>(axis)] = 0;
    }
  }
}

}  // namespace

const StoredTensor* TensorFile::find(std::string_view name) const {
  const auto tensor = std::ranges::find(tensors, name, &StoredTensor::name);
  return tensor == tensors.end() ? nullptr : &*tensor;
}

void TensorFile::release(const StoredTensor& tensor) const noexcept {
  if (mapping && mapping->contains(tensor.bytes)) mapping->release(tensor.bytes);
}

Tensor TensorFile::read_f32(const StoredTensor& tensor) const {
  std::vector<std::byte> copy;
  const Bytes bytes = row_major(tensor, copy);
  const bool mapped = mapping && mapping->contains(bytes);
  return decode_tensor(tensor.dtype, tensor.shape, bytes, mapped ? mapping.get() : nullptr);
}

TensorFile open_tensor_file(const std::filesystem::path& path) {
  auto mapping = std::make_shared<const MappedFile>(path);
  TensorFile file = parse_tensor_file(mapping->bytes(), printable(path));
  file.mapping = std::move(mapping);
  return file;
}

TensorFile parse_tensor_file(Bytes bytes, const std::string& source) {
  if (begins_with(bytes, "PK\x03\x04") || begins_with(bytes, "PK\x05\x06")) return read_archive(bytes, source);
  if (begins_with(bytes, "\x93NUMPY")) return read_npy(bytes, source);
  if (begins_with(bytes, "\x80")) return read_torch_legacy(bytes, source);
  if (begins_with(bytes, "\x89HDF\r\n\x1a\n")) return read_hdf5_tensors(bytes, source);
  if (source.ends_with(".onnx")) return read_onnx_tensors(bytes, source);  // protobuf has no signature
  // Safetensors begin with the length of their JSON.
  if (source.ends_with(".safetensors") || (bytes.size() > 8 && bytes[8] == std::byte{'{'})) {
    return read_safetensors(bytes, source);
  }
  refuse(source, "neither a safetensors nor a PyTorch nor a NumPy nor an HDF5 file");
}

TensorFile read_safetensors(Bytes bytes, const std::string& source) {
  const SafetensorsFile parsed = SafetensorsFile::parse(bytes, source);
  TensorFile file{.source = source, .format = "safetensors", .tensors = {}, .metadata = parsed.metadata()};
  for (const SafetensorsEntry& entry : parsed.entries()) {
    file.tensors.push_back({.name = entry.name, .dtype = entry.dtype, .shape = entry.shape, .bytes = entry.bytes});
  }
  return file;
}

TensorFile read_hdf5_tensors(Bytes bytes, const std::string& source) {
  TensorFile file{.source = source, .format = "HDF5", .tensors = {}};
  for (Hdf5Dataset& dataset : read_hdf5(bytes, source)) {
    file.tensors.push_back({.name = std::move(dataset.path),
                            .dtype = dataset.dtype,
                            .shape = Shape(dataset.extents),
                            .bytes = dataset.bytes});
  }
  return file;
}

StoredTensor make_view(std::string name, DType dtype, Bytes storage, uint64_t offset, std::span<const int64_t> extents,
                       std::span<const int64_t> strides) {
  constexpr int64_t most_repeated = int64_t{1} << 24;
  const Shape shape(extents);
  const size_t item = item_size(dtype);
  const uint64_t items = storage.size() / item;
  const auto beyond = [&] {
    throw Error(ErrorKind::format, fmt::format("it reaches beyond the {} elements of its storage", items));
  };
  StoredTensor tensor{.name = std::move(name), .dtype = dtype, .shape = shape, .bytes = {}};
  if (shape.elements() == 0) return tensor;
  uint64_t last = offset;
  bool plain = true;
  int64_t plain_stride = 1;
  for (size_t axis = extents.size(); axis-- > 0;) {
    const int64_t steps = extents[axis] - 1;
    if (steps == 0) continue;
    const auto stride = static_cast<uint64_t>(strides[axis]);
    if (stride > items / static_cast<uint64_t>(steps)) beyond();
    last += stride * static_cast<uint64_t>(steps);
    if (last >= items) beyond();
    plain = plain && strides[axis] == plain_stride;
    plain_stride *= extents[axis];
  }
  if (last >= items) beyond();
  const uint64_t covered = last - offset + 1;
  if (static_cast<uint64_t>(shape.elements()) > covered && shape.elements() > most_repeated) {
    throw Error(ErrorKind::format,
                fmt::format("it repeats {} elements of its storage to {}; at most {} are read that way", covered,
                            shape.elements(), most_repeated));
  }
  tensor.bytes = storage.subspan(offset * item, covered * item);
  if (!plain) tensor.strides.assign(strides.begin(), strides.end());
  return tensor;
}

Bytes row_major(const StoredTensor& tensor, std::vector<std::byte>& copy) {
  if (tensor.strides.empty()) return tensor.bytes;
  const size_t item = item_size(tensor.dtype);
  copy.resize(static_cast<size_t>(tensor.shape.elements()) * item);
  switch (item) {
    case 1:
      gather<1>(tensor, copy.data());
      break;
    case 2:
      gather<2>(tensor, copy.data());
      break;
    case 4:
      gather<4>(tensor, copy.data());
      break;
    default:
      gather<8>(tensor, copy.data());
  }
  return copy;
}

void read_f32(const StoredTensor& tensor, std::span<float> values) {
  std::vector<std::byte> copy;
  decode_in_pieces(tensor.dtype, row_major(tensor, copy), values);
}

Tensor read_f32(const StoredTensor& tensor) {
  std::vector<std::byte> copy;
  return decode_tensor(tensor.dtype, tensor.shape, row_major(tensor, copy), nullptr);
}

TensorStatistics measure(const StoredTensor& tensor) {
  constexpr size_t block = 4096;
  std::vector<std::byte> copy;
  Bytes bytes = row_major(tensor, copy);
  const size_t item = item_size(tensor.dtype);
  TensorStatistics result;
  std::vector<double> values(block);
  int64_t count = 0;
  double squares = 0;  // sum of squared distances from the mean, updated as it moves (Welford 1962)
  while (!bytes.empty()) {
    const size_t items = std::min(block, bytes.size() / item);
    const std::span part(values.data(), items);
    decode(tensor.dtype, bytes.first(items * item), part);
    bytes = bytes.subspan(items * item);
    for (const double value : part) {
      if (!std::isfinite(value)) {
        ++(std::isnan(value) ? result.nans : result.infinities);
        continue;
      }
      result.min = count == 0 ? value : std::min(result.min, value);
      result.max = count == 0 ? value : std::max(result.max, value);
      const double distance = value - result.mean;
      result.mean += distance / static_cast<double>(++count);
      squares += distance * (value - result.mean);
    }
  }
  if (count > 0) result.std = std::sqrt(squares / static_cast<double>(count));
  return result;
}

}  // namespace fovea
