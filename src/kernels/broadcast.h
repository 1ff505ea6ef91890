#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "fovea/shape.h"

namespace fovea {

// How two inputs whose extents agree or are 1 run through their common output: axes, outermost first, with neighbours
// merged where both inputs allow it. At least one axis.
struct BroadcastAxis {
  int64_t extent = 1;
  int64_t a = 1;  // elements from one position to the next; 0 where the input repeats
  int64_t b = 1;
};

struct Broadcast {
  std::array<BroadcastAxis, Shape::max_rank> axes{};
  int rank = 0;

  const BroadcastAxis& inner() const { return axes[static_cast<size_t>(rank - 1)]; }
  BroadcastAxis& operator[](int axis) { return axes[static_cast<size_t>(axis)]; }
  const BroadcastAxis& operator[](int axis) const { return axes[static_cast<size_t>(axis)]; }
};

inline Broadcast make_broadcast(const Shape& a, const Shape& b) {
  Broadcast reversed;
  int64_t a_stride = 1;
  int64_t b_stride = 1;
  for (int i = a.rank() - 1; i >= 0; --i) {
    const BroadcastAxis axis{std::max(a[i], b[i]), a[i] == 1 ? 0 : a_stride, b[i] == 1 ? 0 : b_stride};
    a_stride *= a[i];
    b_stride *= b[i];
    if (axis.extent == 1) continue;
    if (reversed.rank > 0) {
      BroadcastAxis& last = reversed[reversed.rank - 1];
      if (axis.a == last.a * last.extent && axis.b == last.b * last.extent) {
        last.extent *= axis.extent;
        continue;
      }
    }
    reversed[reversed.rank++] = axis;
  }
  if (reversed.rank == 0) reversed.rank = 1;
  Broadcast result;
  for (int i = 0; i < reversed.rank; ++i) result[i] = reversed[reversed.rank - 1 - i];
  result.rank = reversed.rank;
  return result;
}

}  // namespace fovea
