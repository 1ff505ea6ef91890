#pragma once

#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "fovea/onnx.h"
#include "io/onnx/node_reader.h"

namespace fovea {

// Inputs of a node; null where an optional one is left out.
using Arrays = std::span<const OnnxArray* const>;

// What a node computes from constants: the arithmetic of shapes, and what exporters do to weights. Nothing for an
// operator that is not among it. Throws Error(format) when inputs do not fit, and for results beyond 2^24 elements that
// are larger than the inputs.
std::optional<std::vector<OnnxArray>> evaluate(const NodeReader& node, Arrays inputs,
                                               const std::filesystem::path& folder);

// Its parts: elements that move, elements that are computed.
std::optional<std::vector<OnnxArray>> evaluate_movement(const NodeReader& node, Arrays inputs);
std::optional<OnnxArray> evaluate_arithmetic(const NodeReader& node, Arrays inputs);

// QuantizeLinear and DequantizeLinear.
std::optional<OnnxArray> evaluate_quantized(const NodeReader& node, Arrays inputs);
// The type that QuantizeLinear gives; the zero point may be null.
DType quantized_type(const NodeReader& node, const OnnxArray* zero_point);
// The least and the largest number of a type of 8 or 16 bits. Throws Error(format) for others.
std::pair<int64_t, int64_t> quantized_limits(DType type);
// How many scales, or zero points, an array has for a value of those dims: one, or one for each place on the node's
// axis. Throws Error(format) for another number and for blocks.
int64_t quantized_parts(const NodeReader& node, const OnnxArray& scale, const std::vector<int64_t>& dims);

// The shape that a Reshape asks for, with 0 and -1 resolved. Throws Error(format).
std::vector<int64_t> reshaped_dims(const std::vector<int64_t>& from, const std::vector<int64_t>& wanted,
                                   bool allow_zero);
// What two shapes broadcast to, as in NumPy. Throws Error(format).
std::vector<int64_t> broadcast_dims(const std::vector<int64_t>& a, const std::vector<int64_t>& b);
// Dims after Unsqueeze and Squeeze.
std::vector<int64_t> unsqueezed_dims(const std::vector<int64_t>& dims, const std::vector<int64_t>& axes);
std::vector<int64_t> squeezed_dims(const std::vector<int64_t>& dims, const std::vector<int64_t>& axes);
std::vector<int64_t> flattened_dims(const std::vector<int64_t>& dims, int64_t axis);
// The parts that Split makes of an axis of that extent.
std::vector<int64_t> split_extents(const NodeReader& node, int64_t extent,
                                   const std::optional<std::vector<int64_t>>& sizes);

// One axis of a Slice: element i is start + i * step of the input's.
struct SliceRange {
  int axis;
  int64_t start, step, count;
};
SliceRange slice_range(int64_t extent, int axis, int64_t start, int64_t stop, int64_t step);
struct SliceLists {
  std::vector<int64_t> starts, stops, axes, steps;  // the last two may be empty
};
std::vector<SliceRange> slice_ranges(const std::vector<int64_t>& dims, const SliceLists& lists);

// The same elements as another type; whole numbers are cut off.
OnnxArray cast(const OnnxArray& x, DType type);

OnnxArray with_shape(const OnnxArray& array, const Shape& shape);

}  // namespace fovea
