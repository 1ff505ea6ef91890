#include <limits>

#include "fovea/ops.h"
#include "op_case_builders.h"

namespace fovea::testing {

namespace {

OpCase reshape_case(const std::string& name, const Shape& sample, const std::vector<int64_t>& shape) {
  return unary(
      name, [=](Value x) { return reshape(x, shape); }, sample);
}

OpCase transpose_case(const std::string& name, const Shape& sample, const std::vector<int64_t>& axes) {
  return unary(
      name, [=](Value x) { return transpose(x, axes); }, sample);
}

OpCase slice_case(const std::string& name, const Shape& sample, const std::vector<AxisSlice>& slices) {
  return unary(
      name, [=](Value x) { return slice(x, slices); }, sample);
}

OpCase pad_case(const std::string& name, const Shape& sample, const std::vector<AxisPadding>& sides,
                PadMode mode = PadMode::constant, double value = 0) {
  return unary(
      name, [=](Value x) { return pad(x, sides, mode, value); }, sample);
}

OpCase resize_case(const std::string& name, const Shape& sample, const ResizeOptions& options) {
  return unary(
      name, [=](Value x) { return resize(x, options); }, sample);
}

using Reduction = Value (*)(Value, const std::vector<int64_t>&, bool);
OpCase reduce_case(const std::string& name, Reduction reduction, const Shape& sample, const std::vector<int64_t>& axes,
                   bool keep = false) {
  // Sums stay away from zero, by whose size errors are measured.
  const Draw draw = reduction == reduce_max || reduction == reduce_min ? Draw::distinct() : Draw::uniform(-0.5, 1.5);
  return unary(
      name, [=](Value x) { return reduction(x, axes, keep); }, sample, draw);
}

}  // namespace

std::vector<OpCase> shape_op_cases() {
  constexpr int64_t first = std::numeric_limits<int64_t>::min();
  constexpr auto linear = Interpolation::linear;
  constexpr auto cubic = Interpolation::cubic;
  constexpr auto corners = Coordinates::align_corners;
  constexpr auto asymmetric = Coordinates::asymmetric;
  const Draw near_zero = Draw::uniform(-0.04, 0.04);  // beside off_zero: never equal
  return {
      reshape_case("reshape", {4, 6, 5}, {0, 3, -1}),
      batch_of(3, reshape_case("reshape_batch", {4, 2}, {-1, 8})),
      transpose_case("transpose", {3, 5, 4}, {0, 3, 1, 2}),
      batch_of(1, transpose_case("transpose_back", {3, 5, 4}, {0, 2, 3, 1})),
      transpose_case("transpose_batch", {3, 5, 4}, {3, 1, 2, 0}),
      transpose_case("transpose_nothing", {3, 5}, {0, 1, 2}),
      transpose_case("transpose_rows", {4, 3, 17}, {0, 2, 1, 3}),
      transpose_case("transpose_many", {2, 3, 2, 3, 5}, {4, 1, 5, 0, 3, 2}),
      speed(transpose_case("transpose_large", {28, 28, 65}, {0, 3, 1, 2})),
      unary("depth_to_space", [](Value x) { return depth_to_space(x, 2); }, {3, 4, 12}),
      unary("depth_to_space_depth_first", [](Value x) { return depth_to_space(x, 3, true); }, {3, 2, 18}),
      speed(unary("depth_to_space_large", [](Value x) { return depth_to_space(x, 2); }, {28, 28, 64})),
      unary("space_to_depth", [](Value x) { return space_to_depth(x, 2); }, {6, 4, 3}),
      unary("space_to_depth_depth_first", [](Value x) { return space_to_depth(x, 2, true); }, {4, 6, 5}),

      slice_case("slice_channels", {3, 4, 9}, {{.start = 2, .stop = 7}}),
      slice_case("slice_rows", {6, 4, 3}, {{.axis = 1, .start = 1, .stop = -2}}),
      slice_case("slice_steps", {9, 8, 7}, {{.axis = 1, .start = 1, .step = 3}, {.axis = -2, .step = 2}, {.step = 4}}),
      slice_case("slice_backward", {5, 4, 6},
                 {{.axis = 2, .start = -1, .stop = first, .step = -1}, {.axis = 3, .start = 4, .stop = 0, .step = -2}}),
      slice_case("slice_beyond", {5, 4, 6}, {{.axis = 1, .start = -100, .stop = 100}, {.axis = 2, .start = -2}}),
      batch_of(3, slice_case("slice_flat", {11}, {{.start = 3, .stop = 8}})),
      speed(slice_case("slice_half", {28, 28, 116}, {{.start = 58}})),
      pad_case("pad", {4, 5, 3}, {{1, 1, 2}, {2, 0, 3}}, PadMode::constant, 0.5),
      pad_case("pad_channels", {3, 4, 5}, {{-1, 2, 1}}),
      pad_case("pad_crop", {5, 6, 3}, {{1, -1, 2}, {2, 1, -3}}, PadMode::constant, -1),
      pad_case("pad_reflect", {4, 5, 3}, {{1, 1, 2}, {2, 4, 3}}, PadMode::reflect),
      pad_case("pad_edge", {4, 5, 17}, {{1, 1, 2}, {2, 6, 7}}, PadMode::edge),
      pad_case("pad_edge_channels", {3, 2, 5}, {{3, 1, 2}}, PadMode::edge),
      pad_case("pad_reflect_row", {9}, {{1, 3, 2}}, PadMode::reflect),
      speed(pad_case("pad_large", {56, 56, 64}, {{1, 1, 1}, {2, 1, 1}})),

      resize_case("resize_nearest", {3, 4, 5}, {.scale = {2}}),
      resize_case("resize_nearest_size", {5, 7, 3},
                  {.size = {8, 4}, .coordinates = asymmetric, .rounding = NearestRounding::floor}),
      resize_case("resize_nearest_exact", {5, 6, 3}, {.size = {7, 9}, .rounding = NearestRounding::round_prefer_ceil}),
      resize_case("resize_nearest_ceil", {5, 6, 3},
                  {.scale = {1.5, 0.6}, .coordinates = asymmetric, .rounding = NearestRounding::ceil}),
      resize_case("resize_bilinear", {3, 4, 5}, {.scale = {2}, .method = linear}),
      resize_case("resize_bilinear_size", {5, 7, 3}, {.size = {8, 4}, .method = linear}),
      resize_case("resize_bilinear_scale", {5, 7, 3}, {.scale = {1.7, 0.6}, .method = linear}),
      resize_case("resize_bilinear_corners", {4, 5, 3}, {.size = {7, 3}, .method = linear, .coordinates = corners}),
      resize_case("resize_bilinear_corners_one", {4, 5, 3}, {.size = {1, 9}, .method = linear, .coordinates = corners}),
      resize_case("resize_bilinear_one", {4, 5, 3},
                  {.size = {1, 9}, .method = linear, .coordinates = Coordinates::pytorch_half_pixel}),
      resize_case("resize_bilinear_one_channel", {5, 6, 1}, {.size = {11, 13}, .method = linear}),
      resize_case("resize_bilinear_asymmetric", {4, 3, 2},
                  {.scale = {3, 2}, .method = linear, .coordinates = asymmetric}),
      resize_case("resize_bicubic", {5, 4, 3}, {.size = {9, 11}, .method = cubic}),
      resize_case("resize_bicubic_down", {9, 8, 3}, {.size = {4, 5}, .method = cubic}),
      resize_case("resize_bicubic_corners", {5, 4, 17}, {.size = {3, 6}, .method = cubic, .coordinates = corners}),
      resize_case("resize_row", {7, 3}, {.size = {12}, .method = linear}),
      resize_case("resize_volume", {2, 3, 2, 3}, {.size = {3, 5, 4}, .method = linear}),
      speed(resize_case("resize_nearest_large", {28, 28, 64}, {.scale = {2}})),
      speed(resize_case("resize_bilinear_large", {28, 28, 64}, {.scale = {2}, .method = linear})),
      speed(resize_case("resize_bilinear_fcn", {14, 14, 21}, {.size = {224}, .method = linear})),

      reduce_case("reduce_mean", reduce_mean, {5, 7, 3}, {1, 2}),
      reduce_case("reduce_mean_keep", reduce_mean, {5, 7, 3}, {1, 2}, true),
      reduce_case("reduce_mean_channels", reduce_mean, {5, 7, 37}, {-1}),
      reduce_case("reduce_mean_rows_channels", reduce_mean, {5, 7, 6}, {1, 3}),
      batch_of(3, reduce_case("reduce_sum", reduce_sum, {5, 7, 3}, {2})),
      batch_of(3, reduce_case("reduce_sum_batch", reduce_sum, {4, 5}, {0}, true)),
      batch_of(3, reduce_case("reduce_sum_all", reduce_sum, {4, 5, 6}, {0, 1, 2, 3})),
      reduce_case("reduce_sum_alternating", reduce_sum, {4, 3, 5, 2}, {1, 3}),
      reduce_case("reduce_max", reduce_max, {5, 7, 3}, {1, 2}),
      reduce_case("reduce_max_channels", reduce_max, {3, 4, 70}, {3}, true),
      reduce_case("reduce_min", reduce_min, {5, 7, 3}, {2, 3}),
      reduce_case("reduce_min_all", reduce_min, {3, 4, 5}, {0, 1, 2, 3}),
      speed(reduce_case("reduce_mean_large", reduce_mean, {56, 56, 65}, {1, 2})),
      speed(reduce_case("reduce_mean_channels_large", reduce_mean, {56, 56, 65}, {3})),
      speed(reduce_case("reduce_max_large", reduce_max, {28, 28, 65}, {1, 2})),

      binary("subtract", subtract, {5, 7, 3}, {5, 7, 3}),
      binary("subtract_channels", subtract, {5, 7, 3}, {1, 1, 3}),
      binary("subtract_from_channels", subtract, {1, 1, 17}, {5, 7, 17}),
      binary("divide", divide, {5, 7, 3}, {5, 7, 3}, {{}, Draw::uniform(0.5, 2)}),
      binary("divide_channels", divide, {5, 7, 3}, {1, 1, 3}, {{}, Draw::uniform(0.5, 2)}),
      binary("divide_outer", divide, {5, 1, 3}, {1, 7, 1}, {{}, Draw::uniform(-2, -0.5)}),
      binary("minimum", minimum, {5, 7, 3}, {5, 7, 3}, {Draw::off_zero(), near_zero}),
      binary("minimum_pixels", minimum, {3, 4, 17}, {3, 4, 1}, {Draw::off_zero(), near_zero}),
      binary("maximum", maximum, {5, 7, 3}, {5, 7, 3}, {Draw::off_zero(), near_zero}),
      binary("maximum_outer", maximum, {5, 1, 3}, {1, 7, 1}, {Draw::off_zero(), near_zero}),
      speed(binary("divide_large", divide, {28, 28, 65}, {1, 1, 65}, {{}, Draw::uniform(0.5, 2)})),
      speed(binary("maximum_large", maximum, {28, 28, 65}, {28, 28, 65}, {Draw::off_zero(), near_zero})),
  };
}

}  // namespace fovea::testing
