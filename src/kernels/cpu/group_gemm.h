#pragma once

#include <cstdint>
#include <vector>

#include "fovea/tensor.h"
#include "kernels/cpu/epilogue.h"

// The product of window_gemm.h for many small groups of as many outputs as inputs, on one thread. Several groups share
// a vector: lane l of the input is multiplied by the weight that leads to the output r lanes on (round its group), for
// every r, into a sum of its own. Only the finished sums are moved to their lanes and added, so that inputs are read as
// they lie and weights serve several pixels.
namespace fovea::cpu {

// How the groups are dealt to vectors of `lanes` lanes.
struct GroupVectors {
  int64_t groups = 1;
  int64_t channels = 1;  // of a group, in and out
  int64_t taps = 1;
  int64_t lanes = 1;

  // Groups of a power of two channels, at most 8, of which a vector of the instruction set in use holds at least two.
  static bool suits(int64_t groups, int64_t in_channels, int64_t out_channels);

  int64_t groups_per_vector() const { return lanes / channels; }
  int64_t count() const { return (groups + groups_per_vector() - 1) / groups_per_vector(); }
  int64_t vector_floats() const { return taps * channels * lanes; }
};

// packed[vector][tap][r][lane]; the weights lie as WindowGemm::load says.
Tensor pack_groups(const GroupVectors& vectors, const float* weight, const std::vector<int64_t>& tap_offsets,
                   int64_t in_stride, int64_t out_stride, int64_t group_stride);

// out[m] = epilogue(sums of the window at windows[m]) for m < count and the vectors [first, last). `taps` are offsets
// from windows[m]. out[m] points at channel 0, and so does residual[m], which takes the place of the epilogue's (null:
// none).
void group_gemm(const GroupVectors& vectors, const float* packed, const int64_t* taps, const float* const* windows,
                int64_t count, const Epilogue& epilogue, const float* const* residual, float* const* out, int64_t first,
                int64_t last);

}  // namespace fovea::cpu
