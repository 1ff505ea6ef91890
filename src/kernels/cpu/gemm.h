#pragma once

#include <cstdint>

#include "kernels/cpu/epilogue.h"
#include "kernels/cpu/panels.h"

// The matrix products that convolution and dense layers are made of, on one thread: callers split the work.
namespace fovea::cpu {

// A list of elements given as `count` runs of `length` consecutive ones, run r starting offsets[r] from a pointer: the
// window of a convolution in a channels-last picture.
struct Runs {
  const int64_t* offsets;
  int64_t count;
  int64_t length;
};

// out[m][n] = epilogue(sum over k of a[m](k) b[k, n]), for m < count (at most row_block) and the columns n of the
// panels [first_panel, last_panel) of b. a[m](k) is element k of the runs from a[m]; out[m] points at the first of
// these columns, and so does residual[m], which takes the place of the epilogue's (null: none).
void row_gemm(const float* const* a, int64_t count, const Runs& runs, const Panels& b, const float* packed,
              const Epilogue& epilogue, const float* const* residual, float* const* out, int64_t first_panel,
              int64_t last_panel);

}  // namespace fovea::cpu
