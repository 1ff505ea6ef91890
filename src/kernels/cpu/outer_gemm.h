#pragma once

#include <cstdint>

#include "kernels/cpu/gemm.h"

namespace fovea::cpu {

constexpr int64_t outer_rows = 64;      // at most
constexpr int64_t outer_columns = 256;  // a good number: the sums stay in the second cache
constexpr int64_t outer_pixels = 96;    // at most

// The matrix product of weight gradients, on one thread:
// out[m * pitch + n] (+)= sum over p < pixels of a[p][m] b[p](first + n), for m < rows and n < columns. b[p](n) is
// element n of the runs from b[p]. It is added to out when `accumulate`.
struct OuterProduct {
  const float* const* a;
  const float* const* b;
  Runs runs;
  int64_t pixels;
  int64_t rows;
  int64_t first, columns;
};
void outer_gemm(const OuterProduct& product, float* out, int64_t pitch, bool accumulate);

}  // namespace fovea::cpu
