#pragma once

#include <cstddef>
#include <cstdint>

namespace fovea::cpu {

// What is around volumes {batch, depth, height, width, channels}, made real by a copy, so that every window lies
// inside.
struct Padding {
  int64_t batch = 1, depth = 1, height = 1, width = 1, channels = 1;
  int64_t front = 0, back = 0, top = 0, bottom = 0, left = 0, right = 0;

  bool none() const { return front == 0 && back == 0 && top == 0 && bottom == 0 && left == 0 && right == 0; }
  int64_t padded_depth() const { return depth + front + back; }
  int64_t padded_height() const { return height + top + bottom; }
  int64_t padded_width() const { return width + left + right; }
  // Elements of scratch; 0 when there is no padding.
  size_t elements() const {
    return none() ? 0 : static_cast<size_t>(batch * padded_depth() * padded_height() * padded_width() * channels);
  }
  // x itself, or its copy in scratch, padded with `around`. T: float or uint8_t.
  template <class T>
  const T* padded(const T* x, T* scratch, T around = 0) const;
};

}  // namespace fovea::cpu
