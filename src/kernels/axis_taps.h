#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fovea {

struct Tap {
  int64_t index;  // along the input's axis
  double weight;
  bool operator==(const Tap&) const = default;
};

// How the elements along one axis of an output come from those of the input: a sparse matrix, row by row. Slicing,
// padding and interpolation are such matrices, one per axis:
//   y[o0, o1, ...] = sum over i0, i1, ... of A0[o0, i0] A1[o1, i1] ... x[i0, i1, ...]
struct AxisTaps {
  int64_t from = 1;                    // the input's extent
  std::vector<std::vector<Tap>> rows;  // of each output element

  int64_t to() const { return static_cast<int64_t>(rows.size()); }

  static AxisTaps identity(int64_t extent) {
    AxisTaps taps{extent, {}};
    for (int64_t i = 0; i < extent; ++i) taps.rows.push_back({{i, 1}});
    return taps;
  }
  AxisTaps transposed() const {
    AxisTaps result{to(), std::vector<std::vector<Tap>>(static_cast<size_t>(from))};
    for (int64_t row = 0; row < to(); ++row) {
      for (const Tap& tap : rows[static_cast<size_t>(row)]) {
        result.rows[static_cast<size_t>(tap.index)].push_back({row, tap.weight});
      }
    }
    return result;
  }
};

}  // namespace fovea
