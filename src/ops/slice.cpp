// Parts of a value along some of its axes, and splitting into such parts.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "fovea/ops.h"
#include "ops/checks.h"
#include "ops/table.h"
#include "ops/tapping.h"

namespace fovea {

namespace {

// Of an axis: positions start, start + step ... of it, `count` of them.
struct Positions {
  int64_t start, step, count;
};

// NumPy's rule: numbers below zero count from the end, limits beyond the axis are those of the axis.
Positions positions(const AxisSlice& slice, int64_t extent) {
  const bool up = slice.step > 0;
  const auto limit = [&](int64_t at) {
    if (at < 0) at += extent;
    return std::clamp<int64_t>(at, up ? 0 : -1, up ? extent : extent - 1);
  };
  const int64_t start = limit(slice.start);
  const int64_t room = up ? limit(slice.stop) - start : start - limit(slice.stop);
  const int64_t step = std::abs(slice.step);
  return {start, slice.step, room <= 0 ? 0 : (room - 1) / step + 1};
}

class SliceOp final : public TappingOp<SliceOp> {
 public:
  explicit SliceOp(std::vector<AxisSlice> slices) : slices_(std::move(slices)) {}

  std::string_view type() const override { return "slice"; }
  Attributes attributes() const override {
    std::vector<int64_t> axes, starts, stops, steps;
    for (const AxisSlice& slice : slices_) {
      axes.push_back(slice.axis);
      starts.push_back(slice.start);
      stops.push_back(slice.stop);
      steps.push_back(slice.step);
    }
    return {{"axes", axes}, {"starts", starts}, {"stops", stops}, {"steps", steps}};
  }
  Shape infer(std::span<const Shape> inputs) const override {
    require_inputs(inputs, 1);
    const Shape& x = inputs[0];
    Shape y = x;
    std::vector<int> seen;
    for (const AxisSlice& slice : slices_) {
      const int axis = checked_axis(slice.axis, x);
      require(std::ranges::count(seen, axis) == 0, "axis {} is sliced twice", axis);
      seen.push_back(axis);
      constexpr int64_t largest = int64_t{1} << 48;
      require(slice.step != 0 && slice.step >= -largest && slice.step <= largest,
              "the step must be a number other than 0 and within 2^48, got {}", slice.step);
      const int64_t count = positions(slice, x[axis]).count;
      require(count > 0, "nothing is left of axis {} of {} from {} to {} by steps of {}", axis, to_string(x),
              slice.start, slice.stop, slice.step);
      y = y.with_dim(axis, count);
    }
    return y;
  }
  // Pictures have their spatial axes in the middle.
  Window window() const override {
    Window window;
    for (const AxisSlice& slice : slices_) {
      if (slice.axis < 1 || slice.step == 1 || slice.step == -1) continue;
      const auto axis = static_cast<size_t>(slice.axis);
      window.extent.resize(std::max(window.extent.size(), axis), 1);
      window.stride.resize(window.extent.size(), 1);
      window.stride[axis - 1] = std::abs(slice.step);
    }
    return window;
  }
  std::vector<AxisTaps> taps(const Signature& shapes) const {
    const Shape& x = shapes.inputs[0];
    std::vector<AxisTaps> axes;
    for (int axis = 0; axis < x.rank(); ++axis) axes.push_back(AxisTaps::identity(x[axis]));
    for (const AxisSlice& slice : slices_) {
      const int axis = checked_axis(slice.axis, x);
      const Positions p = positions(slice, x[axis]);
      AxisTaps& taps = axes[static_cast<size_t>(axis)];
      taps.rows.clear();
      for (int64_t i = 0; i < p.count; ++i) taps.rows.push_back({{p.start + i * p.step, 1}});
    }
    return axes;
  }
  static double fill() { return 0; }

 private:
  std::vector<AxisSlice> slices_;
};

}  // namespace

std::shared_ptr<const Op> make_slice(AttributeReader& attributes) {
  const std::vector<int64_t> axes = attributes.integers("axes");
  const std::vector<int64_t> starts = attributes.integers("starts", axes.size());
  const std::vector<int64_t> stops = attributes.integers("stops", axes.size());
  const std::vector<int64_t> steps = attributes.integers("steps", axes.size());
  std::vector<AxisSlice> slices;
  for (size_t i = 0; i < axes.size(); ++i) slices.push_back({axes[i], starts[i], stops[i], steps[i]});
  return std::make_shared<SliceOp>(std::move(slices));
}

Value slice(Value x, const std::vector<AxisSlice>& slices) {
  return x.graph().add("", std::make_shared<SliceOp>(slices), {x});
}

std::vector<Value> split(Value x, int64_t axis, const std::vector<int64_t>& extents) {
  int64_t sum = 0;
  for (const int64_t extent : extents) sum += extent;
  const int at = checked_axis(axis, x.shape());
  if (sum != x.shape()[at] || std::ranges::any_of(extents, [](int64_t extent) { return extent < 1; })) {
    throw Error(ErrorKind::format, fmt::format("split of '{}': {} do not make up the {} of axis {} of {}", x.name(),
                                               fmt::join(extents, " + "), x.shape()[at], at, to_string(x.shape())));
  }
  std::vector<Value> parts;
  int64_t start = 0;
  for (const int64_t extent : extents) {
    parts.push_back(slice(x, {{.axis = at, .start = start, .stop = start + extent}}));
    start += extent;
  }
  return parts;
}

}  // namespace fovea
