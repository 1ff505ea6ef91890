#include "fovea/extents.h"

#include <fmt/format.h>

#include <algorithm>

#include "fovea/error.h"

namespace fovea {

Extents::Extents(std::span<const int64_t> numbers) : count_(static_cast<int>(numbers.size())) {
  if (numbers.empty() || numbers.size() > max_axes) {
    throw Error(ErrorKind::format, fmt::format("a window has 1 to {} axes, got {}", max_axes, numbers.size()));
  }
  std::ranges::copy(numbers, numbers_.begin());
}

std::vector<int64_t> Extents::list(int axes) const {
  if (count_ == 1) return std::vector<int64_t>(static_cast<size_t>(axes), numbers_[0]);
  return {numbers_.begin(), numbers_.begin() + count_};
}

}  // namespace fovea
