// Shape rules that importers and the evaluation of constants share.
#include <algorithm>

#include "io/onnx/evaluate.h"
#include "ops/checks.h"

namespace fovea {

namespace {

int64_t product(const std::vector<int64_t>& dims) { return Shape(dims).elements(); }

// Axes as flags, each given once.
std::vector<bool> flags(const std::vector<int64_t>& axes, size_t rank) {
  std::vector<bool> chosen(rank, false);
  for (const int64_t axis : axes) {
    const auto at = static_cast<size_t>(normal_axis(axis, static_cast<int64_t>(rank)));
    require(!chosen[at], "axis {} is given twice", axis);
    chosen[at] = true;
  }
  return chosen;
}

}  // namespace

std::vector<int64_t> reshaped_dims(const std::vector<int64_t>& from, const std::vector<int64_t>& wanted,
                                   bool allow_zero) {
  std::vector<int64_t> dims = wanted;
  for (size_t axis = 0; axis < dims.size() && !allow_zero; ++axis) {
    if (dims[axis] != 0) continue;
    require(axis < from.size(), "extent {} is to be the input's, which has {} axes", axis, from.size());
    dims[axis] = from[axis];
  }
  const auto open = std::ranges::find(dims, -1);
  if (open != dims.end()) {
    *open = 1;
    const int64_t rest = product(dims);
    *open = rest > 0 ? product(from) / rest : 0;
  }
  require(product(dims) == product(from), "{} cannot be reshaped to {}", to_string(Shape(from)),
          fmt::join(wanted, "x"));
  return dims;
}

std::vector<int64_t> broadcast_dims(const std::vector<int64_t>& a, const std::vector<int64_t>& b) {
  if (a.size() < b.size()) return broadcast_dims(b, a);
  std::vector<int64_t> dims = a;
  for (size_t i = 0; i < b.size(); ++i) {
    int64_t& dim = dims[a.size() - b.size() + i];
    require(dim == b[i] || dim == 1 || b[i] == 1, "{} and {} do not broadcast", to_string(Shape(a)),
            to_string(Shape(b)));
    if (dim == 1) dim = b[i];
  }
  return dims;
}

std::vector<int64_t> unsqueezed_dims(const std::vector<int64_t>& dims, const std::vector<int64_t>& axes) {
  const std::vector<bool> added = flags(axes, dims.size() + axes.size());
  std::vector<int64_t> result;
  size_t old = 0;
  for (const bool one : added) result.push_back(one ? 1 : dims[old++]);
  return result;
}

std::vector<int64_t> squeezed_dims(const std::vector<int64_t>& dims, const std::vector<int64_t>& axes) {
  const std::vector<bool> chosen = flags(axes, dims.size());
  std::vector<int64_t> result;
  for (size_t axis = 0; axis < dims.size(); ++axis) {
    const bool removed = axes.empty() ? dims[axis] == 1 : chosen[axis];
    require(!removed || dims[axis] == 1, "axis {} of {} cannot be squeezed", axis, to_string(Shape(dims)));
    if (!removed) result.push_back(dims[axis]);
  }
  return result;
}

std::vector<int64_t> flattened_dims(const std::vector<int64_t>& dims, int64_t axis) {
  const auto rank = std::ssize(dims);
  require(axis >= -rank && axis <= rank, "there is no axis {} among {}", axis, rank);
  const auto split = dims.begin() + (axis < 0 ? axis + rank : axis);
  return {product({dims.begin(), split}), product({split, dims.end()})};
}

std::vector<int64_t> split_extents(const NodeReader& node, int64_t extent,
                                   const std::optional<std::vector<int64_t>>& sizes) {
  std::vector<int64_t> extents;
  if (sizes && !sizes->empty()) {
    extents = *sizes;
  } else {
    const auto parts = static_cast<int64_t>(node.outputs());
    require(parts > 0, "there are no outputs");
    const int64_t each = (extent + parts - 1) / parts;  // opset 18: the last may be smaller
    for (int64_t i = 0; i < parts; ++i) extents.push_back(std::min(each, std::max<int64_t>(extent - i * each, 0)));
  }
  int64_t sum = 0;
  for (const int64_t part : extents) {
    require(part >= 0 && part <= extent, "a part of {} of an axis of {}", part, extent);
    sum += part;
  }
  require(sum == extent && std::ssize(extents) == node.outputs(),
          "{} parts ({}) do not make up an axis of {} for {} outputs", extents.size(), fmt::join(extents, " + "),
          extent, node.outputs());
  return extents;
}

SliceRange slice_range(int64_t extent, int axis, int64_t start, int64_t stop, int64_t step) {
  require(step != 0 && step > -(int64_t{1} << 40) && step < (int64_t{1} << 40), "a step of {}", step);
  const auto from_end = [&](int64_t at) { return at < 0 ? std::max(at, -extent - 1) + extent : at; };
  const int64_t lowest = step > 0 ? 0 : -1;
  const int64_t highest = step > 0 ? extent : extent - 1;
  const int64_t first = std::clamp(from_end(start), step > 0 ? int64_t{0} : lowest, highest);
  const int64_t last = std::clamp(from_end(stop), lowest, highest);
  const int64_t count = step > 0 ? (last - first + step - 1) / step : (first - last - step - 1) / -step;
  return {axis, first, step, std::max<int64_t>(count, 0)};
}

std::vector<SliceRange> slice_ranges(const std::vector<int64_t>& dims, const SliceLists& lists) {
  const auto& [starts, stops, axes, steps] = lists;
  require(starts.size() == stops.size() && (axes.empty() || axes.size() == starts.size()) &&
              (steps.empty() || steps.size() == starts.size()),
          "starts, ends, axes and steps must be as many");
  std::vector<SliceRange> ranges;
  for (size_t i = 0; i < starts.size(); ++i) {
    const int axis = normal_axis(axes.empty() ? static_cast<int64_t>(i) : axes[i], std::ssize(dims));
    require(std::ranges::find(ranges, axis, &SliceRange::axis) == ranges.end(), "axis {} is given twice", axis);
    ranges.push_back(
        slice_range(dims[static_cast<size_t>(axis)], axis, starts[i], stops[i], steps.empty() ? 1 : steps[i]));
  }
  return ranges;
}

}  // namespace fovea
