#include "io/onnx/array.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <numeric>

#include "core/file.h"
#include "core/saturate.h"
#include "core/text.h"
#include "io/decode.h"
#include "io/onnx/proto.h"
#include "ops/checks.h"

namespace fovea {

namespace {

namespace fs = std::filesystem;
using Bytes = std::span<const std::byte>;

constexpr uint64_t largest_file = uint64_t{1} << 40;

template <class Stored>
void decode_integers(std::span<const std::byte> stored, std::vector<int64_t>& values) {
  for (size_t i = 0; i < values.size(); ++i) {
    Stored item;
    std::memcpy(&item, stored.data() + i * sizeof(Stored), sizeof(Stored));
    values[i] = static_cast<int64_t>(item);  // NOLINT(bugprone-signed-char-misuse): a number, not a character
  }
}

void decode_integers(DType type, std::span<const std::byte> stored, std::vector<int64_t>& values) {
  switch (type) {
    case DType::i64:
    case DType::u64:
      return decode_integers<int64_t>(stored, values);
    case DType::i32:
      return decode_integers<int32_t>(stored, values);
    case DType::u32:
      return decode_integers<uint32_t>(stored, values);
    case DType::i16:
      return decode_integers<int16_t>(stored, values);
    case DType::u16:
      return decode_integers<uint16_t>(stored, values);
    case DType::i8:
      return decode_integers<int8_t>(stored, values);
    default:
      return decode_integers<uint8_t>(stored, values);
  }
}

void decode_raw(std::span<const std::byte> bytes, OnnxArray& array) {
  if (array.is_float()) {
    array.floats = Tensor(array.shape);
    decode_in_pieces(array.type, bytes, array.floats.values());
  } else {
    array.integers.resize(static_cast<size_t>(array.size()));
    decode_integers(array.type, bytes, array.integers);
  }
}

void require_bytes(const OnnxArray& array, uint64_t bytes) {
  const uint64_t wanted = static_cast<uint64_t>(array.size()) * item_size(array.type);
  require(bytes == wanted, "{} elements of {} take {} bytes, got {}", to_string(array.shape), to_string(array.type),
          wanted, bytes);
}

// Elements in one of the repeated fields that small arrays use.
template <class Field>
void decode_field(const Field& field, OnnxArray& array) {
  require(field.size() == array.size(), "{} needs {} elements, got {}", to_string(array.shape), array.size(),
          field.size());
  if (array.is_float()) {
    array.floats = Tensor(array.shape);
    std::ranges::transform(field, array.floats.values().begin(), [](auto value) { return static_cast<float>(value); });
  } else {
    array.integers.resize(static_cast<size_t>(array.size()));
    std::ranges::transform(field, array.integers.begin(), [](auto value) { return static_cast<int64_t>(value); });
  }
}

// Half floats are stored as the numbers of their bits.
void decode_halves(const onnx::TensorProto& proto, OnnxArray& array) {
  require(proto.int32_data_size() == array.size(), "{} needs {} elements, got {}", to_string(array.shape), array.size(),
          proto.int32_data_size());
  std::vector<uint16_t> bits(static_cast<size_t>(array.size()));
  std::ranges::transform(proto.int32_data(), bits.begin(), [](int32_t value) { return static_cast<uint16_t>(value); });
  decode_raw(std::as_bytes(std::span(bits)), array);
}

uint64_t whole_number(const std::string& text, const char* what) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  require(error == std::errc() && end == text.data() + text.size(),
          "{} of external data must be a whole number, got '{}'", what, printable(text));
  return value;
}

// A file inside the folder, links followed.
fs::path locate(const fs::path& folder, const std::string& location) {
  require(!folder.empty(), "external data are not allowed here");
  const fs::path relative(location);
  require(!location.empty() && relative.is_relative() && std::ranges::find(relative, fs::path("..")) == relative.end(),
          "external data must lie in the model's folder, got '{}'", printable(location));
  std::error_code error;
  const fs::path root = fs::canonical(folder, error);
  fs::path file = fs::canonical(folder / relative, error);
  if (error) {
    throw Error(ErrorKind::data, fmt::format("cannot read {}: {}", printable(folder / relative), error.message()));
  }
  require(std::ranges::mismatch(root, file).in1 == root.end(),
          "external data must lie in the model's folder; '{}' leads out of it", printable(location));
  return file;
}

void decode_external(const onnx::TensorProto& proto, const fs::path& folder, OnnxArray& array) {
  std::string location;
  uint64_t offset = 0;
  std::optional<uint64_t> length;
  for (const onnx::StringStringEntryProto& entry : proto.external_data()) {
    if (entry.key() == "location") location = entry.value();
    if (entry.key() == "offset") offset = whole_number(entry.value(), "offset");
    if (entry.key() == "length") length = whole_number(entry.value(), "length");
  }
  const MappedFile file(locate(folder, location));
  const uint64_t size = file.bytes().size();
  require(size <= largest_file && offset <= size && length.value_or(size - offset) <= size - offset,
          "external data lie beyond the end of '{}', which has {} bytes", printable(location), size);
  const auto bytes = file.bytes().subspan(offset, length.value_or(size - offset));
  require_bytes(array, bytes.size());
  decode_raw(bytes, array);
}

void decode(const onnx::TensorProto& proto, const fs::path& folder, Bytes raw, OnnxArray& array) {
  if (proto.data_location() == onnx::TensorProto::EXTERNAL) return decode_external(proto, folder, array);
  if (proto.has_raw_data()) raw = std::as_bytes(std::span(proto.raw_data()));
  if (proto.has_raw_data() || !raw.empty()) {
    require_bytes(array, raw.size());
    return decode_raw(raw, array);
  }
  switch (array.type) {
    case DType::f32:
      return decode_field(proto.float_data(), array);
    case DType::f64:
      return decode_field(proto.double_data(), array);
    case DType::f16:
    case DType::bf16:
      return decode_halves(proto, array);
    case DType::i64:
      return decode_field(proto.int64_data(), array);
    case DType::u64:
    case DType::u32:
      return decode_field(proto.uint64_data(), array);
    default:
      return decode_field(proto.int32_data(), array);
  }
}

template <class T>
void permute(const Shape& from, std::span<const int> order, const T* source, T* target) {
  const auto rank = static_cast<size_t>(from.rank());
  std::vector<int64_t> strides(rank, 1);
  for (size_t axis = rank; axis-- > 1;) strides[axis - 1] = strides[axis] * from[static_cast<int>(axis)];
  std::vector<int64_t> at(rank, 0);
  int64_t offset = 0;
  for (int64_t i = 0; i < from.elements(); ++i) {
    target[i] = source[offset];
    for (size_t axis = rank; axis-- > 0;) {
      const auto old = static_cast<size_t>(order[axis]);
      offset += strides[old];
      if (++at[axis] < from[order[axis]]) break;
      offset -= strides[old] * at[axis];
      at[axis] = 0;
    }
  }
}

}  // namespace

OnnxArray read_array(const onnx::TensorProto& proto, const fs::path& folder, Bytes raw) {
  try {
    require(!proto.has_segment(), "segments are not supported");
    const std::vector<int64_t> dims(proto.dims().begin(), proto.dims().end());
    OnnxArray array{.type = dtype_of(proto.data_type()), .shape = Shape(dims), .floats = {}};
    decode(proto, folder, raw, array);
    return array;
  } catch (const Error& error) {
    throw Error(error.kind(), fmt::format("tensor '{}': {}", printable(proto.name()), error.what()));
  }
}

OnnxArray make_array(DType type, const Shape& shape) {
  OnnxArray array{.type = type, .shape = shape, .floats = {}};
  if (array.is_float()) {
    array.floats = Tensor(shape);
  } else {
    array.integers.resize(static_cast<size_t>(shape.elements()));
  }
  return array;
}

OnnxArray integers_of(std::vector<int64_t> values) {
  const int64_t count = std::ssize(values);
  return {.type = DType::i64, .shape = {count}, .floats = {}, .integers = std::move(values)};
}

const std::vector<int64_t>& integers(const OnnxArray& array) {
  require(!array.is_float(), "whole numbers are expected, got {}", to_string(array.type));
  return array.integers;
}

std::vector<double> numbers(const OnnxArray& array) {
  if (array.is_float()) return {array.floats.values().begin(), array.floats.values().end()};
  return {array.integers.begin(), array.integers.end()};
}

double number(const OnnxArray& array) {
  require(array.size() == 1, "one number is expected, got {}", to_string(array.shape));
  return array.is_float() ? static_cast<double>(array.floats[0]) : static_cast<double>(array.integers[0]);
}

Tensor to_floats(const OnnxArray& array, const Shape& shape) {
  if (array.is_float()) return array.floats.reshaped(shape);
  Tensor tensor(shape);
  std::ranges::transform(array.integers, tensor.data(), [](int64_t value) { return static_cast<float>(value); });
  return tensor;
}

OnnxArray permuted(const OnnxArray& array, std::span<const int> order) {
  std::vector<int64_t> dims;
  for (const int axis : order) dims.push_back(array.shape[axis]);
  OnnxArray result = make_array(array.type, Shape(dims));
  if (array.is_float()) {
    permute(array.shape, order, array.floats.data(), result.floats.data());
  } else {
    permute(array.shape, order, array.integers.data(), result.integers.data());
  }
  return result;
}

OnnxArray read_onnx_array(const fs::path& path) {
  const MappedFile file(path);
  onnx::TensorProto proto;
  parse_proto(file.bytes(), printable(path), proto);
  try {
    return read_array(proto, {});
  } catch (const Error& error) {
    throw Error(error.kind(), fmt::format("{}: {}", printable(path), error.what()));
  }
}

}  // namespace fovea
