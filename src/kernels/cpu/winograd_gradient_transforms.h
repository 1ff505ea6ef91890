#pragma once

#include "kernels/cpu/winograd_shape.h"

// The two-dimensional transforms of the weight gradient, on one thread. They are the transposes of those of the output
// and of the weights.
namespace fovea::cpu {

// m <- the output gradients of some of the block's tiles; tile_sums [tile][panels.columns] <- their plain sums.
void winograd_transform_output_gradient(const WinogradShape& s, const WinogradBlock& block, const Panels& panels,
                                        WinogradRange tiles, const float* dy, float* m, float* tile_sums);

// dweight (PyTorch's order) of one panel's filters from sums [product][panel][channel][filter].
void winograd_transform_filter_gradient(const WinogradShape& s, const Panels& panels, int64_t panel, const float* sums,
                                        float* dweight);

}  // namespace fovea::cpu
