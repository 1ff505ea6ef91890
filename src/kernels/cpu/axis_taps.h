#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/axis_taps.h"

namespace fovea::cpu {

// Sparse matrices along axes made ready: neighbouring axes that stay as they are merged, the innermost axis as runs of
// elements. Every output element is summed by one thread in one order. Twin: kernels/ref/axis_taps.h.
class TapPlan {
 public:
  struct Axis {  // but the innermost
    int64_t from, to;
    int64_t stride;                // elements of x from one index to the next
    std::vector<int64_t> first;    // of each row; to + 1 of them
    std::vector<int64_t> offsets;  // of each tap, in elements of x
    std::vector<float> weights;
  };
  // x[from, from + length) goes to y[to, to + length).
  struct Run {
    int64_t from, to, length;
    float weight;
  };

  explicit TapPlan(std::span<const AxisTaps> axes_apart);

  // y = A0 A1 ... x; `fill` where nothing of x goes.
  void run(float fill, const float* x, float* y) const;

  const std::vector<Axis>& outer() const { return outer_; }
  const std::vector<Run>& inner() const { return inner_; }
  int64_t length() const { return length_; }       // of the innermost axis
  bool copies() const { return copies_; }          // no output element has more than one tap
  bool whole_rows() const { return whole_rows_; }  // one run covers the innermost axis

 private:
  std::vector<Axis> outer_;
  std::vector<Run> inner_;
  int64_t length_ = 1;
  int64_t rows_ = 1;
  int64_t row_cost_ = 1;
  bool copies_ = true;
  bool whole_rows_ = true;
};

}  // namespace fovea::cpu
