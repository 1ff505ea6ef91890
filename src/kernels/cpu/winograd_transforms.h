#pragma once

#include "kernels/cpu/epilogue.h"
#include "kernels/cpu/winograd_shape.h"

// The two-dimensional transforms of winograd_shape.h, on one thread.
namespace fovea::cpu {

// v <- the inputs of some of the block's tiles.
void winograd_transform_input(const WinogradShape& s, const WinogradBlock& block, WinogradRange tiles, const float* x,
                              float* v);

// y <- activation(outputs of the products m + bias + residual) of some of the block's tiles.
void winograd_transform_output(const WinogradShape& s, const WinogradBlock& block, const Panels& panels,
                               WinogradRange tiles, const float* m, const Epilogue& epilogue, float* y);

// Weights in memory: w[k, c, a, b] = weight[k * filter_stride + c * channel_stride + 3 a + b], or turned by half a
// turn: [... + 8 - (3 a + b)].
struct WinogradWeights {
  const float* weight;
  int64_t filter_stride;
  int64_t channel_stride;
  bool turned;
};
// packed <- [product][panel][channel][filter], for one panel.
void winograd_transform_filters(const WinogradShape& s, const Panels& panels, int64_t panel,
                                const WinogradWeights& weights, float* packed);

}  // namespace fovea::cpu
