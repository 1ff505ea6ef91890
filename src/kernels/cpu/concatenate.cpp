#include "kernels/cpu/concatenate.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "fovea/parallel.h"

namespace fovea::cpu {

namespace {

// Calls copy(part, row of the part, offset in y) for every row of every part, about 16384 elements to a chunk.
template <class F>
void for_each_part(int64_t rows, std::span<const int64_t> widths, int64_t stride, const F& copy) {
  const int64_t width = std::reduce(widths.begin(), widths.end());
  parallel_for(rows, std::max<int64_t>(1, 16384 / width), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      int64_t offset = row * stride;
      for (size_t part = 0; part < widths.size(); ++part) {
        copy(part, row * widths[part], offset);
        offset += widths[part];
      }
    }
  });
}

}  // namespace

void concatenate(int64_t rows, std::span<const int64_t> widths, std::span<const float* const> parts, float* y,
                 int64_t stride) {
  std::vector<bool> in_place(parts.size());
  int64_t begin = 0;
  for (size_t part = 0; part < parts.size(); begin += widths[part++]) in_place[part] = parts[part] == y + begin;
  if (std::ranges::find(in_place, false) == in_place.end()) return;
  for_each_part(rows, widths, stride, [&](size_t part, int64_t row, int64_t offset) {
    if (!in_place[part]) std::copy_n(parts[part] + row, widths[part], y + offset);
  });
}

void split(int64_t rows, std::span<const int64_t> widths, const float* y, std::span<float* const> parts) {
  for_each_part(rows, widths, std::reduce(widths.begin(), widths.end()), [&](size_t part, int64_t row, int64_t offset) {
    if (parts[part]) std::copy_n(y + offset, widths[part], parts[part] + row);
  });
}

}  // namespace fovea::cpu
