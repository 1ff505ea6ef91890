#pragma once

#include <filesystem>

#include "fovea/onnx.h"

namespace onnx {
class TensorProto;
}

namespace fovea {

// Decodes a tensor of a file. External data are looked for in `folder`, and refused where it is empty; `raw` are raw
// data that were left out of the message. Throws Error(format) before memory is taken when the elements are not as many
// as the shape says; Error(data) when external data cannot be read.
OnnxArray read_array(const onnx::TensorProto& proto, const std::filesystem::path& folder,
                     std::span<const std::byte> raw = {});

OnnxArray make_array(DType type, const Shape& shape);  // zeros
OnnxArray integers_of(std::vector<int64_t> values);    // {n}, int64

// The elements of integers, in their order. Throws Error(format) for another type.
const std::vector<int64_t>& integers(const OnnxArray& array);
// One number, of any type. Throws Error(format) unless there is exactly one.
double number(const OnnxArray& array);
std::vector<double> numbers(const OnnxArray& array);

// As floats, copied.
Tensor to_floats(const OnnxArray& array, const Shape& shape);

// The same elements with axis k being the old axis order[k].
OnnxArray permuted(const OnnxArray& array, std::span<const int> order);

}  // namespace fovea
