#include "kernels/cpu/padding.h"

#include <algorithm>
#include <cstring>

#include "fovea/parallel.h"

namespace fovea::cpu {

template <class T>
const T* Padding::padded(const T* x, T* scratch, T around) const {
  if (none()) return x;
  const int64_t pitch = padded_width() * channels;
  const int64_t inner = width * channels;
  constexpr int64_t rows_per_task = 16;
  parallel_for(batch * padded_depth() * padded_height(), rows_per_task, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      T* const to = scratch + row * pitch;
      const int64_t i = row % padded_height() - top;
      const int64_t plane = row / padded_height() % padded_depth() - front;
      if (i < 0 || i >= height || plane < 0 || plane >= depth) {
        std::fill_n(to, pitch, around);
        continue;
      }
      std::fill_n(to, left * channels, around);
      const int64_t n = row / (padded_height() * padded_depth());
      std::memcpy(to + left * channels, x + ((n * depth + plane) * height + i) * inner,
                  static_cast<size_t>(inner) * sizeof(T));
      std::fill_n(to + left * channels + inner, right * channels, around);
    }
  });
  return scratch;
}
template const float* Padding::padded(const float* x, float* scratch, float around) const;
template const uint8_t* Padding::padded(const uint8_t* x, uint8_t* scratch, uint8_t around) const;

}  // namespace fovea::cpu
