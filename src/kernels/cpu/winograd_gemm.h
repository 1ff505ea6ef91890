#pragma once

#include "kernels/cpu/winograd_shape.h"

// The matrix products between Winograd's transforms, on one thread.
namespace fovea::cpu {

// A block for that many tiles.
WinogradBlock winograd_block(int64_t tiles);

// m[tile, filter] = sum over c of v[tile, c] u[c, filter] for some products, the first `tiles` tiles, all panels.
void winograd_multiply(const WinogradShape& s, const WinogradBlock& block, const Panels& panels, WinogradRange products,
                       int64_t tiles, const float* v, const float* u, float* m);

// sums[c, filter] (+)= sum over tiles of v[tile, c] m[tile, filter] for some products, all panels; sums are
// [product][panel][channel][filter]. They are added to when `accumulate`.
void winograd_multiply_gradients(const WinogradShape& s, const WinogradBlock& block, const Panels& panels,
                                 WinogradRange products, int64_t tiles, const float* v, const float* m, float* sums,
                                 bool accumulate);

}  // namespace fovea::cpu
