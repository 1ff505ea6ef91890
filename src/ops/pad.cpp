// Elements put around a value: a constant, its mirror image, or its outermost elements again.
#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "fovea/ops.h"
#include "ops/checks.h"
#include "ops/table.h"
#include "ops/tapping.h"

namespace fovea {

namespace {

constexpr std::array modes = {std::pair<std::string_view, PadMode>{"constant", PadMode::constant},
                              std::pair<std::string_view, PadMode>{"edge", PadMode::edge},
                              std::pair<std::string_view, PadMode>{"reflect", PadMode::reflect}};

// Where position i of an axis, which may lie beyond its ends, takes its value from; -1: from nowhere.
int64_t source(PadMode mode, int64_t i, int64_t extent) {
  if (i >= 0 && i < extent) return i;
  switch (mode) {
    case PadMode::constant:
      return -1;
    case PadMode::edge:
      return std::clamp<int64_t>(i, 0, extent - 1);
    case PadMode::reflect:
      return i < 0 ? -i : 2 * (extent - 1) - i;
  }
  return -1;
}

class PadOp final : public TappingOp<PadOp> {
 public:
  PadOp(std::vector<AxisPadding> sides, PadMode mode, double value)
      : sides_(std::move(sides)), mode_(mode), value_(value) {}

  std::string_view type() const override { return "pad"; }
  Attributes attributes() const override {
    std::vector<int64_t> axes, before, after;
    for (const AxisPadding& side : sides_) {
      axes.push_back(side.axis);
      before.push_back(side.before);
      after.push_back(side.after);
    }
    return {
        {"axes", axes}, {"before", before}, {"after", after}, {"mode", choice_name(mode_, modes)}, {"value", value_}};
  }
  Shape infer(std::span<const Shape> inputs) const override {
    require_inputs(inputs, 1);
    require(std::isfinite(value_), "the value must be finite, got {}", value_);
    const Shape& x = inputs[0];
    Shape y = x;
    std::vector<int> seen;
    for (const AxisPadding& side : sides_) {
      const int axis = checked_axis(side.axis, x);
      require(std::ranges::count(seen, axis) == 0, "axis {} is padded twice", axis);
      seen.push_back(axis);
      for (const int64_t width : {side.before, side.after}) check_width(width, axis, x);
      const int64_t extent = side.before + x[axis] + side.after;
      require(extent > 0, "nothing is left of axis {} of {} with {} before and {} after", axis, to_string(x),
              side.before, side.after);
      y = y.with_dim(axis, extent);
    }
    return y;
  }
  std::vector<AxisTaps> taps(const Signature& shapes) const {
    const Shape& x = shapes.inputs[0];
    std::vector<AxisTaps> axes;
    for (int axis = 0; axis < x.rank(); ++axis) axes.push_back(AxisTaps::identity(x[axis]));
    for (const AxisPadding& side : sides_) {
      const int axis = checked_axis(side.axis, x);
      AxisTaps& taps = axes[static_cast<size_t>(axis)];
      taps.rows.assign(static_cast<size_t>(shapes.output[axis]), {});
      for (int64_t i = 0; i < taps.to(); ++i) {
        const int64_t from = source(mode_, i - side.before, x[axis]);
        if (from >= 0) taps.rows[static_cast<size_t>(i)].push_back({from, 1});
      }
    }
    return axes;
  }
  double fill() const { return value_; }

 private:
  void check_width(int64_t width, int axis, const Shape& x) const {
    constexpr int64_t largest = int64_t{1} << 24;
    require(width >= -largest && width <= largest, "widths must be between {} and {}, got {}", -largest, largest,
            width);
    require(mode_ != PadMode::reflect || width < x[axis],
            "a mirror image is narrower than what it mirrors: axis {} of {} cannot have {} more", axis, to_string(x),
            width);
  }

  std::vector<AxisPadding> sides_;
  PadMode mode_;
  double value_;
};

}  // namespace

std::shared_ptr<const Op> make_pad(AttributeReader& attributes) {
  const std::vector<int64_t> axes = attributes.integers("axes");
  const std::vector<int64_t> before = attributes.integers("before", axes.size());
  const std::vector<int64_t> after = attributes.integers("after", axes.size());
  std::vector<AxisPadding> sides;
  for (size_t i = 0; i < axes.size(); ++i) sides.push_back({axes[i], before[i], after[i]});
  const auto mode = read_choice<PadMode>(attributes, "mode", modes);
  return std::make_shared<PadOp>(std::move(sides), mode, attributes.number("value"));
}

Value pad(Value x, const std::vector<AxisPadding>& sides, PadMode mode, double value) {
  return x.graph().add("", std::make_shared<PadOp>(sides, mode, value), {x});
}

}  // namespace fovea
