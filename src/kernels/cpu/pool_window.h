#pragma once

#include "kernels/pool_shape.h"

namespace fovea::cpu {

// The pixels of a picture that one output sees, and what an average over them divides by.
struct PoolWindow {
  int64_t top, bottom, left, right;  // rows [top, bottom), columns [left, right)
  int64_t divisor;
};

inline PoolWindow pool_window(const PoolShape& s, int64_t out_row, int64_t out_column) {
  const PoolSpan rows = row_span(s, out_row);
  const PoolSpan columns = column_span(s, out_column);
  return {rows.begin, rows.end, columns.begin, columns.end, rows.counted * columns.counted};
}

}  // namespace fovea::cpu
