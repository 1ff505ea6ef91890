#pragma once

#include <cstdint>

#include "fovea/graph.h"

// Builders of ops that read values by number or by place, of products of values, of rounding, and of parameters as
// values: what networks from ONNX files use besides those of ops.h. Plain code runs all but rounding, without SIMD.
// Every builder throws Error(format), naming the node, when shapes do not fit.
namespace fovea {

// A value that is learned or, not trainable, a constant; other ops broadcast it over the batch. `shape` is the value's,
// its first extent usually 1. Its one parameter has the node's own name and starts at zero.
Value parameter(const Scope& scope, const Shape& shape, bool trainable = true);

// Elements of an axis by number: y has the indices' axes in the place of x's axis. Indices are whole numbers, counted
// from the end below zero; beyond the axis the nearest is taken. Gradients flow into x alone. Rows of an embedding
// table are gather(table, numbers, 0).
Value gather(Value x, Value indices, int64_t axis);

// The number of the largest element along an axis, of equal ones the first or the last; with `keep` the axis stays,
// with extent 1. No gradient.
Value arg_max(Value x, int64_t axis, bool keep = false, bool last = false);

// A picture {N,H,W,C} sampled at places {N,H',W',2}, (column, row) from -1 to 1 each (Jaderberg et al. 2015, eq. 3-5):
// {N,H',W',C}, as torch.nn.functional.grid_sample. With align_corners -1 and 1 are the middles of the outermost pixels,
// otherwise their outer edges. Cubic weights are Keys' (1981) with a = -0.75. Gradients flow into the picture alone.
enum class GridInterpolation { linear, nearest, cubic };
enum class GridPadding { zeros, border, reflection };
struct GridSampleOptions {
  GridInterpolation method = GridInterpolation::linear;
  GridPadding padding = GridPadding::zeros;
  bool align_corners = false;
};
Value grid_sample(Value x, Value grid, const GridSampleOptions& options = {});

// To the nearest whole number, halves to the even one. Gradients pass as if nothing were rounded (the straight-through
// estimator, Bengio et al. 2013), so that quantised networks train.
Value round(Value x);

// Products of matrices {..., M, K} {..., K, P} -> {..., M, P}; all extents before those must agree.
Value matrix_product(Value a, Value b);

}  // namespace fovea
