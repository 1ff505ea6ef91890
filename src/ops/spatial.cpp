#include "ops/spatial.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "ops/checks.h"

namespace fovea {

namespace {

constexpr int64_t largest = int64_t{1} << 24;

struct Layout {
  const char* dims;
  const char* noun;
};

Layout layout(int axes) {
  constexpr std::array<Layout, Extents::max_axes> layouts = {
      {{"{N, L, C}", "sequence"}, {"{N, H, W, C}", "picture"}, {"{N, D, H, W, C}", "volume"}}};
  return layouts[static_cast<size_t>(axes - 1)];
}

// "7x7", or "7" of a sequence.
std::string product(const std::vector<int64_t>& numbers) { return fmt::format("{}", fmt::join(numbers, "x")); }

SlidingAxis slide(SlidingAxis axis, bool same, bool ceil_mode) {
  if (same) {
    axis.output = (axis.input - 1) / axis.stride + 1;
    const int64_t total = std::max<int64_t>((axis.output - 1) * axis.stride + axis.extent() - axis.input, 0);
    axis.before = total / 2;
    axis.after = total - total / 2;
    return axis;
  }
  const int64_t room = axis.input + axis.before + axis.after - axis.extent() + (ceil_mode ? axis.stride - 1 : 0);
  axis.output = room < 0 ? 0 : room / axis.stride + 1;
  if (ceil_mode && (axis.output - 1) * axis.stride >= axis.input + axis.before) --axis.output;  // it would see padding
  return axis;
}

}  // namespace

void write_padding(Attributes& attributes, const Padding& padding, int axes) {
  std::vector<int64_t> sides;
  for (int axis = 0; axis < axes; ++axis) {
    sides.push_back(padding.before[axis]);
    sides.push_back(padding.after[axis]);
  }
  attributes["padding"] = std::move(sides);
  attributes["same"] = padding.is_same;
}

Padding read_padding(AttributeReader& attributes) {
  const std::vector<int64_t> sides = attributes.integers("padding");
  require(sides.size() % 2 == 0, "attribute 'padding' needs two numbers for each axis, got {}", sides.size());
  std::vector<int64_t> before, after;
  for (size_t i = 0; i < sides.size(); i += 2) {
    before.push_back(sides[i]);
    after.push_back(sides[i + 1]);
  }
  Padding padding = Padding::sides(Extents(before), Extents(after));
  padding.is_same = attributes.boolean("same");
  return padding;
}

Extents read_extents(AttributeReader& attributes, const std::string& name) {
  const std::vector<int64_t> numbers = attributes.integers(name);
  require(!numbers.empty() && numbers.size() <= Extents::max_axes, "attribute '{}' needs 1 to {} numbers, got {}", name,
          Extents::max_axes, numbers.size());
  return Extents(numbers);
}

int spatial_axes(const Shape& x) { return std::clamp(x.rank() - 2, 1, Extents::max_axes); }

void require_positions(const Shape& x, int axes) {
  require(x.rank() >= 3 && x.rank() <= Extents::max_axes + 2,
          "expects {{N, L, C}}, {{N, H, W, C}} or {{N, D, H, W, C}} (rank 3, 4 or 5), got {} (rank {})", to_string(x),
          x.rank());
  if (axes != 0) require_rank(x, axes + 2, layout(axes).dims);
}

void require_extents(const char* option, const Extents& extents, int axes, int64_t lowest) {
  require(extents.serves(axes), "{} has {} numbers ({}), {} takes {}", option, extents.count(),
          product(extents.list(axes)), layout(axes).dims, axes == 1 ? "one" : fmt::format("one or {}", axes));
  for (const int64_t value : extents.list(axes)) {
    require(value >= lowest && value <= largest, "{} must be between {} and {}, got {}", option, lowest, largest,
            value);
  }
}

void require_padding(const Padding& padding, int axes) {
  for (const Extents& side : {padding.before, padding.after}) {
    require_extents("padding", side, axes, 0);
    for (const int64_t value : side.list(axes)) {
      require(value == 0 || !padding.is_same, "padding is 'same', so none may be given, got {}", value);
    }
  }
}

SlidingAxes slide(const Shape& x, const Extents& kernel, const Extents& stride, const Extents& dilation,
                  const Padding& padding, bool ceil_mode) {
  const int axes = x.rank() - 2;
  SlidingAxes result{};
  std::vector<int64_t> windows, inputs, padded;
  bool fits = true;
  for (int axis = 0; axis < axes; ++axis) {
    SlidingAxis& one = axis_of(result, axes, axis);
    one = slide({.input = x[axis + 1],
                 .kernel = kernel[axis],
                 .stride = stride[axis],
                 .dilation = dilation[axis],
                 .before = padding.before[axis],
                 .after = padding.after[axis]},
                padding.is_same, ceil_mode);
    windows.push_back(one.extent());
    inputs.push_back(one.input);
    padded.push_back(one.before + one.input + one.after);
    fits = fits && one.output > 0;
  }
  require(fits, "the {} window does not fit the {} {} with its padding", product(windows), product(inputs),
          layout(axes).noun);
  Shape{std::span(padded)};  // throws when the number of padded positions, or of a window's, is beyond all sense
  return result;
}

Shape positions_shape(int64_t batch, const std::array<int64_t, Extents::max_axes>& extents, int64_t channels,
                      int axes) {
  std::vector<int64_t> dims = {batch};
  dims.insert(dims.end(), extents.end() - axes, extents.end());
  dims.push_back(channels);
  return Shape(dims);
}

}  // namespace fovea
