#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/permutation.h"

namespace fovea::ref {

// Element (i0, i1, ...) of y is element (j0, j1, ...) of x, where j[axes[k]] = i[k].
template <class T>
void permute(const Permutation& p, const T* x, T* y) {
  const size_t rank = p.dims.size();
  std::vector<int64_t> strides(rank, 1);  // of x
  for (size_t axis = rank; axis-- > 1;) strides[axis - 1] = strides[axis] * p.dims[axis];
  int64_t count = 1;
  for (const int64_t extent : p.dims) count *= extent;
  for (int64_t i = 0; i < count; ++i) {
    int64_t rest = i;
    int64_t from = 0;
    for (size_t k = rank; k-- > 0;) {
      const auto axis = static_cast<size_t>(p.axes[k]);
      from += rest % p.dims[axis] * strides[axis];
      rest /= p.dims[axis];
    }
    y[i] = x[from];
  }
}

}  // namespace fovea::ref
