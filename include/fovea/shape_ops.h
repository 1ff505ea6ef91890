#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "fovea/graph.h"

// Builders of ops that change shapes: included by ops.h. Axes are those of the batch, {N, H, W, C}: 0 is the batch;
// they may count from the end, -1 is the channels. Every builder throws Error(format), naming the node, for an axis
// that is not there, given twice, or of an extent that does not fit.
namespace fovea {

// The same elements in the same order (channels last) under other extents, batch first: 0 keeps the input's extent of
// that axis, -1 (once) is what is left over. reshape(x, {0, -1}) of {N,H,W,C} is {N, H*W*C}, in another order than
// flatten gives. Costs nothing.
Value reshape(Value x, const std::vector<int64_t>& shape);

// Axis k of the result is axis axes[k] of x; axes names each axis once, from 0.
Value transpose(Value x, const std::vector<int64_t>& axes);

// Elements start, start + step ... before stop, along an axis. As in NumPy numbers below zero count from the end,
// limits beyond the axis are those of the axis, and a step below zero runs backward (then a stop of INT64_MIN is "to
// the first element"). At least one element must be left.
struct AxisSlice {
  int64_t axis = -1;
  int64_t start = 0;
  int64_t stop = std::numeric_limits<int64_t>::max();
  int64_t step = 1;
};
Value slice(Value x, const std::vector<AxisSlice>& slices);
// Slices one after the other, which make up the axis.
std::vector<Value> split(Value x, int64_t axis, const std::vector<int64_t>& extents);

// Puts elements before and after an axis, or takes them off where numbers are below zero:
// `constant` the value, `reflect` the mirror image without the outermost element (fewer elements than the axis has),
// `edge` the outermost element again and again (PyTorch's "replicate").
enum class PadMode { constant, reflect, edge };
struct AxisPadding {
  int64_t axis = 1;
  int64_t before = 0;
  int64_t after = 0;
};
Value pad(Value x, const std::vector<AxisPadding>& sides, PadMode mode = PadMode::constant, double value = 0);

// Mean, sum, maximum, minimum over axes, at least one; with `keep` they stay, with extent 1. All axes reduced without
// `keep` give shape {1}. Equal maxima (minima) share the gradient equally, as in torch.amax.
Value reduce_mean(Value x, const std::vector<int64_t>& axes, bool keep = false);
Value reduce_sum(Value x, const std::vector<int64_t>& axes, bool keep = false);
Value reduce_max(Value x, const std::vector<int64_t>& axes, bool keep = false);
Value reduce_min(Value x, const std::vector<int64_t>& axes, bool keep = false);

// Interpolation of all spatial axes, {N, spatial..., C}: of pictures 1-D (linear), 2-D (bilinear, bicubic) or 3-D.
//   nearest  x[round(s)]
//   linear   (1 - t) x[floor(s)] + t x[floor(s) + 1], with t = s - floor(s)
//   cubic    the same with four neighbours and Keys' weights (1981, IEEE TASSP 29, eq. 4)
// Neighbours beyond the ends are the outermost elements. s is the place of output element i on the input's axis, of
// extent n, to become m:
//   half_pixel          (i + 0.5) n/m - 0.5          torch's align_corners=False; nearest-exact with round_prefer_ceil
//   pytorch_half_pixel  the same, but 0 where m is 1
//   align_corners       i (n - 1) / (m - 1), 0 where m is 1
//   asymmetric          i n/m                        torch's nearest, with floor
// With `scale` instead of `size`, m is floor(n scale), and 1/scale takes the place of n/m. All as in ONNX's Resize.
enum class Interpolation { nearest, linear, cubic };
enum class Coordinates { half_pixel, pytorch_half_pixel, align_corners, asymmetric };
enum class NearestRounding { round_prefer_floor, round_prefer_ceil, floor, ceil };  // the first two differ at halves
struct ResizeOptions {
  std::vector<int64_t> size = {};  // of each spatial axis, or one number for all
  std::vector<double> scale = {};  // give one of the two
  Interpolation method = Interpolation::nearest;
  Coordinates coordinates = Coordinates::half_pixel;
  NearestRounding rounding = NearestRounding::round_prefer_floor;
  double cubic_coefficient = -0.75;
};
Value resize(Value x, const ResizeOptions& options);

// {N, H, W, C b b} -> {N, H b, W b, C}: channel c b b + i b + j goes to pixel (i, j) of its block (Shi et al. 2016;
// torch's pixel_shuffle, ONNX's CRD); with depth_first it is channel (i b + j) C + c (TensorFlow, ONNX's DCR).
Value depth_to_space(Value x, int64_t block, bool depth_first = false);
// The reverse: {N, H b, W b, C} -> {N, H, W, C b b}.
Value space_to_depth(Value x, int64_t block, bool depth_first = false);

}  // namespace fovea
