#include "fovea/shape.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "fovea/error.h"

namespace fovea {

namespace {
constexpr int64_t max_elements = int64_t{1} << 48;
}

Shape::Shape(std::span<const int64_t> dims) {
  if (dims.size() > max_rank) {
    throw Error(ErrorKind::format, fmt::format("a shape has at most {} dimensions, got {}", max_rank, dims.size()));
  }
  rank_ = static_cast<int>(dims.size());
  for (int i = 0; i < rank_; ++i) {
    const int64_t extent = dims[static_cast<size_t>(i)];
    if (extent < 0) {
      throw Error(ErrorKind::format, fmt::format("shape {} has a negative dimension", fmt::join(dims, "x")));
    }
    if (extent > 0 && elements_ > max_elements / extent) {
      throw Error(ErrorKind::format, fmt::format("shape {} has more than 2^48 elements", fmt::join(dims, "x")));
    }
    dims_[static_cast<size_t>(i)] = extent;
    elements_ *= extent;
  }
}

Shape Shape::with_dim(int axis, int64_t extent) const {
  std::array<int64_t, max_rank> dims = dims_;
  dims[static_cast<size_t>(axis)] = extent;
  return Shape(std::span<const int64_t>(dims.data(), static_cast<size_t>(rank_)));
}

Shape Shape::with_batch(int64_t batch) const { return with_dim(0, batch); }

Shape Shape::without_batch() const { return Shape(dims().subspan(1)); }

bool Shape::operator==(const Shape& other) const {
  return rank_ == other.rank_ && std::equal(dims().begin(), dims().end(), other.dims().begin());
}

std::string to_string(const Shape& shape) {
  return shape.rank() == 0 ? "scalar" : fmt::format("{}", fmt::join(shape.dims(), "x"));
}

}  // namespace fovea
