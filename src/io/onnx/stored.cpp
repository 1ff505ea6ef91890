// Arrays to and from the tensors of other formats.
#include <algorithm>
#include <cstring>

#include "fovea/onnx.h"
#include "io/onnx/array.h"

namespace fovea {

OnnxArray to_onnx_array(const StoredTensor& tensor) {
  OnnxArray array = make_array(tensor.dtype, tensor.shape);
  if (array.is_float()) {
    read_f32(tensor, array.floats.values());
    return array;
  }
  std::vector<std::byte> copy;
  std::vector<double> values(array.integers.size());
  decode(tensor.dtype, row_major(tensor, copy), std::span(values));
  std::ranges::transform(values, array.integers.begin(), [](double value) { return static_cast<int64_t>(value); });
  return array;
}

StoredTensor to_stored_tensor(const OnnxArray& array, const std::string& name, std::vector<std::byte>& bytes) {
  StoredTensor tensor{.name = name, .dtype = DType::f32, .shape = array.shape, .bytes = {}};
  if (array.is_float()) {
    const auto floats = std::as_bytes(array.floats.values());
    bytes.assign(floats.begin(), floats.end());
  } else if (array.type == DType::boolean) {
    tensor.dtype = DType::boolean;
    bytes.resize(array.integers.size());
    std::ranges::transform(array.integers, bytes.begin(), [](int64_t value) { return std::byte(value != 0); });
  } else {
    tensor.dtype = DType::i64;
    const auto integers = std::as_bytes(std::span(array.integers));
    bytes.assign(integers.begin(), integers.end());
  }
  tensor.bytes = bytes;
  return tensor;
}

}  // namespace fovea
