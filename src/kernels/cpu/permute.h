#pragma once

#include <cstdint>
#include <vector>

#include "kernels/permutation.h"

namespace fovea::cpu {

// A transposition made ready: axes of extent 1 dropped, neighbours that stay together merged. Twin:
// kernels/ref/permute.h.
class Permute {
 public:
  explicit Permute(const Permutation& permutation);

  void run(const float* x, float* y) const;

 private:
  struct Axis {  // of the output, outermost first
    int64_t extent;
    int64_t from;  // elements of x from one position to the next
    int64_t to;    // elements of y
  };
  struct Offsets {
    int64_t from = 0, to = 0;
  };
  Offsets position(int64_t index) const;
  void copy_rows(const float* x, float* y) const;
  void transpose_tiles(const float* x, float* y) const;

  std::vector<Axis> outer_;   // without the two below
  Axis inner_{1, 1, 1};       // the output's innermost
  Axis contiguous_{1, 1, 1};  // x's innermost; of extent 1 where that is the output's too
  int64_t outer_count_ = 1;
};

}  // namespace fovea::cpu
