#pragma once

#include <cstdint>

#include "fovea/shape.h"

namespace fovea::ref {

// y = the number, as a T, of the largest of x along an axis; of equal ones the first, or the last.
template <class T>
void arg_max(const Shape& x, int axis, bool last, const T* values, T* y) {
  const int64_t extent = x[axis];
  int64_t inner = 1;
  for (int k = axis + 1; k < x.rank(); ++k) inner *= x[k];
  const int64_t outer = x.elements() / (extent * inner);
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < inner; ++i) {
      const T* const column = values + o * extent * inner + i;
      int64_t best = 0;
      for (int64_t e = 1; e < extent; ++e) {
        const T candidate = column[e * inner];
        if (candidate > column[best * inner] || (last && candidate == column[best * inner])) best = e;
      }
      y[o * inner + i] = static_cast<T>(best);
    }
  }
}

}  // namespace fovea::ref
