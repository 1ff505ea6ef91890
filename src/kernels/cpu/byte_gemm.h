#pragma once

#include <cstdint>

#include "kernels/cpu/byte_epilogue.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/panels.h"

// The matrix product of bytes that quantised convolutions and dense layers are made of, on one thread.
namespace fovea::cpu {

// Elements of a run that are multiplied together. Weights are padded with zeros to whole numbers of these; up to three
// bytes behind a run are read with them and count for nothing.
constexpr int64_t dot_length = 4;
inline int64_t dots_of(int64_t length) { return (length + dot_length - 1) / dot_length; }

// The matrix b of weights: panels.h's form, its element the dot_length bytes of one column. Padded arrays hold a number
// for each of the panels' columns, up to panels.count() * panels.full_width().
struct ByteMatrix {
  Panels panels;                    // rows: dots of all runs
  const int8_t* weights = nullptr;  // packed
  const int32_t* start = nullptr;   // padded: what sums begin with
  const float* scale = nullptr;     // padded: what sums are multiplied with
};

// out[m][n] = epilogue(start[n] + sum over k of a[m](k) b[k, n]), for m < count (at most row_block) and the columns n
// of the panels [first_panel, last_panel) of b. a[m](k) is element k of the runs from a[m]. out[m] points at column 0,
// and so does residual[m] (null: none), of floats or bytes as the epilogue says.
void byte_gemm(const uint8_t* const* a, int64_t count, const Runs& runs, const ByteMatrix& b,
               const ByteEpilogue& epilogue, const uint8_t* const* residual, uint8_t* const* out, int64_t first_panel,
               int64_t last_panel);

}  // namespace fovea::cpu
