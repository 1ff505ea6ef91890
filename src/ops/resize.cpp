// Pictures of another size by interpolation.
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

constexpr std::array methods = {std::pair<std::string_view, Interpolation>{"nearest", Interpolation::nearest},
                                std::pair<std::string_view, Interpolation>{"linear", Interpolation::linear},
                                std::pair<std::string_view, Interpolation>{"cubic", Interpolation::cubic}};
constexpr std::array coordinates = {
    std::pair<std::string_view, Coordinates>{"half_pixel", Coordinates::half_pixel},
    std::pair<std::string_view, Coordinates>{"pytorch_half_pixel", Coordinates::pytorch_half_pixel},
    std::pair<std::string_view, Coordinates>{"align_corners", Coordinates::align_corners},
    std::pair<std::string_view, Coordinates>{"asymmetric", Coordinates::asymmetric}};
constexpr std::array roundings = {
    std::pair<std::string_view, NearestRounding>{"round_prefer_floor", NearestRounding::round_prefer_floor},
    std::pair<std::string_view, NearestRounding>{"round_prefer_ceil", NearestRounding::round_prefer_ceil},
    std::pair<std::string_view, NearestRounding>{"floor", NearestRounding::floor},
    std::pair<std::string_view, NearestRounding>{"ceil", NearestRounding::ceil}};

// One axis: `from` elements become `to`, neighbours of the output lie steps / per elements of the input apart.
struct ResizedAxis {
  int64_t from, to;
  double steps, per;  // from / to, or 1 / scale: not divided yet, so that whole quotients come out whole
};

// Where output element i lies on the input's axis, in elements.
double coordinate(Coordinates mode, const ResizedAxis& axis, int64_t i) {
  const auto at = static_cast<double>(i);
  switch (mode) {
    case Coordinates::pytorch_half_pixel:
      if (axis.to == 1) return 0;
      [[fallthrough]];
    case Coordinates::half_pixel:
      return (at + 0.5) * axis.steps / axis.per - 0.5;
    case Coordinates::align_corners:
      return axis.to == 1 ? 0 : at * static_cast<double>(axis.from - 1) / static_cast<double>(axis.to - 1);
    case Coordinates::asymmetric:
      return at * axis.steps / axis.per;
  }
  return 0;
}

double rounded(NearestRounding rounding, double at) {
  switch (rounding) {
    case NearestRounding::round_prefer_floor:
      return std::ceil(at - 0.5);
    case NearestRounding::round_prefer_ceil:
      return std::floor(at + 0.5);
    case NearestRounding::floor:
      return std::floor(at);
    case NearestRounding::ceil:
      return std::ceil(at);
  }
  return at;
}

// Keys' kernel (1981, eq. 4) with coefficient a, at the distances t + 1, t, 1 - t and 2 - t.
std::array<double, 4> cubic_weights(double a, double t) {
  const auto near = [a](double x) { return ((a + 2) * x - (a + 3)) * x * x + 1; };
  const auto far = [a](double x) { return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a; };
  return {far(t + 1), near(t), near(1 - t), far(2 - t)};
}

std::vector<Tap> taps_at(const ResizeOptions& options, int64_t extent, double at) {
  std::vector<Tap> taps;
  const auto add = [&](double index, double weight) {
    const auto inside = static_cast<int64_t>(std::clamp(index, 0.0, static_cast<double>(extent - 1)));
    if (const auto same = std::ranges::find(taps, inside, &Tap::index); same != taps.end()) {
      same->weight += weight;
    } else if (weight != 0) {
      taps.push_back({inside, weight});
    }
  };
  const double below = std::floor(at);
  switch (options.method) {
    case Interpolation::nearest:
      add(rounded(options.rounding, at), 1);
      break;
    case Interpolation::linear:
      add(below, 1 - (at - below));
      add(below + 1, at - below);
      break;
    case Interpolation::cubic: {
      const std::array<double, 4> weights = cubic_weights(options.cubic_coefficient, at - below);
      for (size_t k = 0; k < 4; ++k) add(below - 1 + static_cast<double>(k), weights[k]);
      break;
    }
  }
  return taps;
}

class ResizeOp final : public TappingOp<ResizeOp> {
 public:
  explicit ResizeOp(ResizeOptions options) : options_(std::move(options)) {}

  std::string_view type() const override { return "resize"; }
  Attributes attributes() const override {
    return {{"size", options_.size},
            {"scale", options_.scale},
            {"method", choice_name(options_.method, methods)},
            {"coordinates", choice_name(options_.coordinates, coordinates)},
            {"rounding", choice_name(options_.rounding, roundings)},
            {"cubic_coefficient", options_.cubic_coefficient}};
  }
  Shape infer(std::span<const Shape> inputs) const override {
    require_inputs(inputs, 1);
    const Shape& x = inputs[0];
    require(x.rank() >= 3, "expects a batch with spatial axes and channels (rank 3 or more), got {} (rank {})",
            to_string(x), x.rank());
    require(std::isfinite(options_.cubic_coefficient), "the cubic coefficient must be finite, got {}",
            options_.cubic_coefficient);
    require(options_.size.empty() != options_.scale.empty(), "give either the size or the scale");
    const size_t given = std::max(options_.size.size(), options_.scale.size());
    require(given == 1 || given == static_cast<size_t>(x.rank() - 2),
            "give one number, or one for each of the {} spatial axes of {}, got {}", x.rank() - 2, to_string(x), given);
    Shape y = x;
    for (int axis = 1; axis < x.rank() - 1; ++axis) y = y.with_dim(axis, resized(axis, x[axis]).to);
    return y;
  }
  std::vector<AxisTaps> taps(const Signature& shapes) const {
    const Shape& x = shapes.inputs[0];
    std::vector<AxisTaps> axes;
    for (int axis = 0; axis < x.rank(); ++axis) {
      if (axis == 0 || axis == x.rank() - 1) {
        axes.push_back(AxisTaps::identity(x[axis]));
        continue;
      }
      const ResizedAxis resized_axis = resized(axis, x[axis]);
      AxisTaps taps{x[axis], {}};
      for (int64_t i = 0; i < resized_axis.to; ++i) {
        taps.rows.push_back(taps_at(options_, x[axis], coordinate(options_.coordinates, resized_axis, i)));
      }
      axes.push_back(std::move(taps));
    }
    return axes;
  }
  static double fill() { return 0; }

 private:
  ResizedAxis resized(int axis, int64_t from) const {
    constexpr int64_t largest = int64_t{1} << 24;
    const auto of = [axis](const auto& list) { return list[list.size() == 1 ? 0 : static_cast<size_t>(axis - 1)]; };
    ResizedAxis result{from, 0, 1, 1};
    if (!options_.size.empty()) {
      result.to = of(options_.size);
      result.steps = static_cast<double>(from);
      result.per = static_cast<double>(result.to);
    } else {
      result.per = of(options_.scale);
      require(result.per > 0 && result.per <= static_cast<double>(largest), "scales must be positive, got {}",
              result.per);
      const double to = std::floor(static_cast<double>(from) * result.per);
      result.to = static_cast<int64_t>(std::min(to, static_cast<double>(largest + 1)));
    }
    require(result.to >= 1 && result.to <= largest, "axis {} would have {} elements; 1 to {} are allowed", axis,
            result.to, largest);
    return result;
  }

  ResizeOptions options_;
};

}  // namespace

std::shared_ptr<const Op> make_resize(AttributeReader& attributes) {
  ResizeOptions options;
  options.size = attributes.integers("size");
  options.scale = attributes.numbers("scale");
  options.method = read_choice<Interpolation>(attributes, "method", methods);
  options.coordinates = read_choice<Coordinates>(attributes, "coordinates", coordinates);
  options.rounding = read_choice<NearestRounding>(attributes, "rounding", roundings);
  options.cubic_coefficient = attributes.number("cubic_coefficient");
  return std::make_shared<ResizeOp>(std::move(options));
}

Value resize(Value x, const ResizeOptions& options) {
  return x.graph().add("", std::make_shared<ResizeOp>(options), {x});
}

}  // namespace fovea
