#include "kernels/cpu/padding.h"

#include <algorithm>
#include <cstring>

#include "fovea/parallel.h"

namespace fovea::cpu {

const float* Padding::padded(const float* x, float* scratch) const {
  if (none()) return x;
  const int64_t pitch = padded_width() * channels;
  const int64_t inner = width * channels;
  constexpr int64_t rows_per_task = 16;
  parallel_for(batch * padded_height(), rows_per_task, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      float* const to = scratch + row * pitch;
      const int64_t i = row % padded_height() - top;
      if (i < 0 || i >= height) {
        std::fill_n(to, pitch, 0.0F);
        continue;
      }
      std::fill_n(to, left * channels, 0.0F);
      std::memcpy(to + left * channels, x + (row / padded_height() * height + i) * inner,
                  static_cast<size_t>(inner) * sizeof(float));
      std::fill_n(to + left * channels + inner, right * channels, 0.0F);
    }
  });
  return scratch;
}

}  // namespace fovea::cpu
