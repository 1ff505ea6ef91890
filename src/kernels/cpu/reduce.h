#pragma once

#include <cstdint>
#include <vector>

#include "kernels/broadcast.h"

namespace fovea::cpu {

enum class Reduction { sum, maximum, minimum };

// A reduction made ready. Sums are added in blocks whose limits depend on shapes only. Twin: kernels/ref/reduce.h.
class Reduce {
 public:
  // `kept` is x's shape with extent 1 on the axes that are reduced.
  Reduce(const Shape& x, const Shape& kept);

  // y = scale * reduction(x)
  void run(Reduction reduction, float scale, const float* x, float* y) const;

 private:
  std::vector<int64_t> kept_;     // offsets in x of the rows of y; of its elements where the innermost axis is reduced
  std::vector<int64_t> reduced_;  // from there, offsets of the rows of x that make up one of y
  int64_t length_ = 1;            // of the innermost axis
  bool inner_is_reduced_ = false;
};

}  // namespace fovea::cpu
