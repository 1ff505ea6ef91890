#pragma once

#include <cstdint>

#include "kernels/cpu/epilogue.h"

// Dense layers of a few samples against a large matrix: bound by reading the weights, which are therefore read once,
// in the order in which they lie, weight {units, channels}. On one thread: callers split the work.
namespace fovea::cpu {

constexpr int64_t dense_rows_samples = 64;    // the most samples that these functions take
constexpr int64_t dense_rows_units = 32;      // the most units of one call
constexpr int64_t dense_rows_channels = 512;  // the most channels of one gradient call

// y[n, k] = x[n] . weight[k] and the epilogue, for `count` units from `first` on.
void dense_rows_forward(int64_t batch, int64_t channels, int64_t units, int64_t first, int64_t count, const float* x,
                        const float* weight, const Epilogue& epilogue, float* y);

// dx[n, c] = sum over k of dy[n, k] weight[k, c], for `count` channels from `first` on.
void dense_rows_input_gradient(int64_t batch, int64_t channels, int64_t units, int64_t first, int64_t count,
                               const float* dy, const float* weight, float* dx);

}  // namespace fovea::cpu
