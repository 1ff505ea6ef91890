// Constants whose elements move: shapes taken apart and put together, weights turned round.
#include <algorithm>
#include <numeric>

#include "core/saturate.h"
#include "io/onnx/array.h"
#include "io/onnx/evaluate.h"
#include "ops/checks.h"

namespace fovea {

namespace {

using Coordinates = std::vector<int64_t>;

std::vector<int64_t> dims_of(const OnnxArray& array) { return {array.shape.dims().begin(), array.shape.dims().end()}; }

void require_room(const Shape& shape, Arrays inputs) {
  int64_t given = int64_t{1} << 24;
  for (const OnnxArray* input : inputs) given = std::max(given, input != nullptr ? input->size() : 0);
  require(shape.elements() <= given, "a constant of {} elements is too large", shape.elements());
}

// A new array whose element at some coordinates is the source's at source_of(coordinates), which writes them.
template <class SourceOf>
OnnxArray pick(const OnnxArray& source, const Shape& shape, SourceOf source_of) {
  OnnxArray result = make_array(source.type, shape);
  Coordinates at(static_cast<size_t>(shape.rank()), 0);
  Coordinates from(static_cast<size_t>(source.shape.rank()), 0);
  for (int64_t i = 0; i < shape.elements(); ++i) {
    source_of(at, from);
    int64_t offset = 0;
    for (int axis = 0; axis < source.shape.rank(); ++axis) {
      offset = offset * source.shape[axis] + from[static_cast<size_t>(axis)];
    }
    if (source.is_float()) {
      result.floats[i] = source.floats[offset];
    } else {
      result.integers[static_cast<size_t>(i)] = source.integers[static_cast<size_t>(offset)];
    }
    for (auto axis = static_cast<size_t>(shape.rank()); axis-- > 0;) {
      if (++at[axis] < shape[static_cast<int>(axis)]) break;
      at[axis] = 0;
    }
  }
  return result;
}

OnnxArray gather(const NodeReader& node, Arrays in) {
  const OnnxArray& data = *in[0];
  const std::vector<int64_t>& indices = integers(*in[1]);
  const int axis = normal_axis(node.integer("axis", 0), data.shape.rank());
  const int64_t extent = data.shape[axis];
  for (const int64_t index : indices) require(index >= -extent && index < extent, "index {} of {}", index, extent);
  std::vector<int64_t> dims = dims_of(data);
  const auto at_axis = dims.begin() + axis;
  dims.erase(at_axis);
  dims.insert(dims.begin() + axis, in[1]->shape.dims().begin(), in[1]->shape.dims().end());
  const Shape shape(dims);
  require_room(shape, in);
  const int rank = in[1]->shape.rank();
  return pick(data, shape, [&](const Coordinates& at, Coordinates& from) {
    int64_t index = 0;
    for (int k = 0; k < rank; ++k)
      index = index * in[1]->shape[k] + at[static_cast<size_t>(axis) + static_cast<size_t>(k)];
    for (int k = 0; k < data.shape.rank(); ++k) {
      from[static_cast<size_t>(k)] = k == axis ? 0 : at[static_cast<size_t>(k < axis ? k : k + rank - 1)];
    }
    const int64_t chosen = indices[static_cast<size_t>(index)];
    from[static_cast<size_t>(axis)] = chosen < 0 ? chosen + extent : chosen;
  });
}

OnnxArray concatenate(const NodeReader& node, Arrays in) {
  const int rank = in[0]->shape.rank();
  const int axis = normal_axis(node.integer("axis"), rank);
  int64_t sum = 0;
  for (const OnnxArray* part : in) {
    require(part->type == in[0]->type && part->shape.rank() == rank &&
                part->shape.with_dim(axis, 0) == in[0]->shape.with_dim(axis, 0),
            "{} and {} cannot be joined along axis {}", to_string(in[0]->shape), to_string(part->shape), axis);
    sum += part->shape[axis];
  }
  OnnxArray result = make_array(in[0]->type, in[0]->shape.with_dim(axis, sum));
  int64_t outer = 1, inner = 1;
  for (int k = 0; k < rank; ++k) (k < axis ? outer : inner) *= k == axis ? 1 : in[0]->shape[k];
  int64_t offset = 0;
  for (const OnnxArray* part : in) {
    const int64_t run = part->shape[axis] * inner;
    for (int64_t i = 0; i < outer; ++i) {
      const int64_t target = i * sum * inner + offset;
      if (result.is_float()) {
        std::copy_n(part->floats.data() + i * run, run, result.floats.data() + target);
      } else {
        std::copy_n(part->integers.begin() + i * run, run, result.integers.begin() + target);
      }
    }
    offset += run;
  }
  return result;
}

OnnxArray slice(const OnnxArray& data, const std::vector<SliceRange>& ranges) {
  Shape shape = data.shape;
  for (const SliceRange& range : ranges) shape = shape.with_dim(range.axis, range.count);
  return pick(data, shape, [&](const Coordinates& at, Coordinates& from) {
    from = at;
    for (const SliceRange& r : ranges) {
      const auto axis = static_cast<size_t>(r.axis);
      from[axis] = r.start + at[axis] * r.step;
    }
  });
}

std::vector<int64_t> list(Arrays in, size_t i) {
  return i < in.size() && in[i] != nullptr ? integers(*in[i]) : std::vector<int64_t>{};
}

OnnxArray slice(const NodeReader& node, Arrays in) {
  const SliceLists lists = in.size() > 1
                               ? SliceLists{list(in, 1), list(in, 2), list(in, 3), list(in, 4)}
                               : SliceLists{node.integers("starts"), node.integers("ends"), node.integers("axes"), {}};
  return slice(*in[0], slice_ranges(dims_of(*in[0]), lists));
}

std::vector<OnnxArray> split(const NodeReader& node, Arrays in) {
  const int axis = normal_axis(node.integer("axis", 0), in[0]->shape.rank());
  const std::vector<int64_t> sizes = in.size() > 1 ? list(in, 1) : node.integers("split");
  std::vector<OnnxArray> parts;
  int64_t start = 0;
  for (const int64_t extent : split_extents(node, in[0]->shape[axis], sizes)) {
    parts.push_back(slice(*in[0], {{axis, start, 1, extent}}));
    start += extent;
  }
  return parts;
}

OnnxArray expand(const OnnxArray& data, const std::vector<int64_t>& wanted, Arrays in) {
  const Shape shape(broadcast_dims(dims_of(data), wanted));
  require_room(shape, in);
  const int missing = shape.rank() - data.shape.rank();
  return pick(data, shape, [&](const Coordinates& at, Coordinates& from) {
    for (size_t k = 0; k < from.size(); ++k) {
      from[k] = data.shape[static_cast<int>(k)] == 1 ? 0 : at[k + static_cast<size_t>(missing)];
    }
  });
}

OnnxArray tile(const OnnxArray& data, const std::vector<int64_t>& repeats, Arrays in) {
  std::vector<int64_t> dims = dims_of(data);
  require(repeats.size() == dims.size(), "{} repeats for {}", repeats.size(), to_string(data.shape));
  for (size_t k = 0; k < dims.size(); ++k) {
    require(repeats[k] >= 0 && repeats[k] <= int64_t{1} << 24, "{} repeats", repeats[k]);
    dims[k] = saturating_product({dims[k], repeats[k]});
  }
  const Shape shape(dims);
  require_room(shape, in);
  return pick(data, shape, [&](const Coordinates& at, Coordinates& from) {
    for (size_t k = 0; k < from.size(); ++k) from[k] = at[k] % data.shape[static_cast<int>(k)];
  });
}

OnnxArray transpose(const NodeReader& node, const OnnxArray& data) {
  const std::vector<int64_t> given = node.integers("perm");
  std::vector<int> order(static_cast<size_t>(data.shape.rank()));
  std::iota(order.rbegin(), order.rend(), 0);
  if (!given.empty()) order.assign(given.begin(), given.end());
  std::vector<int> sorted = order;
  std::ranges::sort(sorted);
  for (size_t k = 0; k < sorted.size(); ++k) {
    require(sorted[k] == static_cast<int>(k) && sorted.size() == static_cast<size_t>(data.shape.rank()),
            "perm must name each axis of {} once", to_string(data.shape));
  }
  return permuted(data, order);
}

OnnxArray constant_of_shape(const NodeReader& node, Arrays in) {
  const onnx::TensorProto* const value = node.tensor("value");
  const OnnxArray one = value != nullptr ? read_array(*value, {}) : make_array(DType::f32, {1});
  require(one.size() == 1, "the value must be one number, got {}", to_string(one.shape));
  const Shape shape(integers(*in[0]));
  require_room(shape, in);
  return pick(one, shape, [](const Coordinates&, Coordinates& from) { from.assign(from.size(), 0); });
}

std::vector<int64_t> axes(const NodeReader& node, Arrays in) {
  return in.size() > 1 ? list(in, 1) : node.integers("axes");
}

}  // namespace

OnnxArray with_shape(const OnnxArray& array, const Shape& shape) {
  OnnxArray result = array;
  result.shape = shape;
  if (array.is_float()) result.floats = array.floats.reshaped(shape);
  return result;
}

std::optional<std::vector<OnnxArray>> evaluate_movement(const NodeReader& node, Arrays in) {
  const std::string& op = node.op();
  const auto present = [&](size_t count) {
    require(in.size() >= count, "takes {} inputs, got {}", count, in.size());
    for (size_t i = 0; i < count; ++i) require(in[i] != nullptr, "input {} is missing", i);
  };
  const auto one = [](OnnxArray array) {
    std::vector<OnnxArray> outputs;
    outputs.push_back(std::move(array));
    return outputs;
  };
  if (op == "Concat") {
    present(std::max<size_t>(in.size(), 1));
    return one(concatenate(node, in));
  }
  if (op == "Gather" || op == "Reshape" || op == "Expand" || op == "Tile") present(op == "Reshape" ? 1 : 2);
  if (op == "Gather") return one(gather(node, in));
  if (op == "Reshape") {
    const std::vector<int64_t> wanted = in.size() > 1 ? list(in, 1) : node.integers("shape");
    return one(with_shape(*in[0], Shape(reshaped_dims(dims_of(*in[0]), wanted, node.integer("allowzero", 0) != 0))));
  }
  if (op == "Expand") return one(expand(*in[0], list(in, 1), in));
  if (op == "Tile") return one(tile(*in[0], list(in, 1), in));
  const bool unary = op == "Unsqueeze" || op == "Squeeze" || op == "Slice" || op == "Split" || op == "Transpose" ||
                     op == "ConstantOfShape" || op == "Flatten" || op == "Identity";
  if (!unary) return std::nullopt;
  present(1);
  const std::vector<int64_t> dims = dims_of(*in[0]);
  if (op == "Unsqueeze") return one(with_shape(*in[0], Shape(unsqueezed_dims(dims, axes(node, in)))));
  if (op == "Squeeze") return one(with_shape(*in[0], Shape(squeezed_dims(dims, axes(node, in)))));
  if (op == "Slice") return one(slice(node, in));
  if (op == "Split") return split(node, in);
  if (op == "Transpose") return one(transpose(node, *in[0]));
  if (op == "ConstantOfShape") return one(constant_of_shape(node, in));
  if (op == "Flatten") return one(with_shape(*in[0], Shape(flattened_dims(dims, node.integer("axis", 1)))));
  return one(*in[0]);
}

}  // namespace fovea
