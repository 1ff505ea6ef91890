#include "train/norms.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "fovea/parallel.h"

namespace fovea {

namespace {

constexpr int64_t piece_size = 1 << 14;

double sum_of_piece(const float* x, int64_t count) {
  constexpr int64_t lanes = 8;  // sums beside each other, which the compiler makes vectors of
  double sums[lanes] = {};
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    for (int64_t k = 0; k < lanes; ++k) {
      const auto value = static_cast<double>(x[i + k]);
      sums[k] += value * value;
    }
  }
  for (; i < count; ++i) sums[0] += static_cast<double>(x[i]) * x[i];
  return std::accumulate(sums, sums + lanes, 0.0);
}

}  // namespace

double sum_of_squares(std::span<const float> values) {
  const auto size = static_cast<int64_t>(values.size());
  const int64_t pieces = (size + piece_size - 1) / piece_size;
  std::vector<double> sums(static_cast<size_t>(pieces));
  parallel_for(pieces, 1, [&](int64_t first, int64_t last) {
    for (int64_t k = first; k < last; ++k) {
      const int64_t begin = k * piece_size;
      sums[static_cast<size_t>(k)] = sum_of_piece(values.data() + begin, std::min(piece_size, size - begin));
    }
  });
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

}  // namespace fovea
