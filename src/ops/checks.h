#pragma once

#include <fmt/format.h>

#include <span>
#include <string>
#include <utility>

#include "fovea/error.h"
#include "fovea/shape.h"

namespace fovea {

// Throws Error(format) with the formatted message unless the condition holds. For shape rules and options.
template <class... Args>
void require(bool condition, fmt::format_string<Args...> message, Args&&... args) {
  if (!condition) throw Error(ErrorKind::format, fmt::format(message, std::forward<Args>(args)...));
}

inline void require_inputs(std::span<const Shape> inputs, size_t count) {
  require(inputs.size() == count, "takes {} input{}, got {}", count, count == 1 ? "" : "s", inputs.size());
}

inline void require_rank(const Shape& shape, int rank, const char* layout) {
  require(shape.rank() == rank, "expects {} (rank {}), got {} (rank {})", layout, rank, to_string(shape), shape.rank());
}

// An axis, which may count from the end (-1 is the last), from the start.
inline int checked_axis(int64_t axis, const Shape& shape) {
  require(axis >= -shape.rank() && axis < shape.rank(), "{} has no axis {}", to_string(shape), axis);
  return static_cast<int>(axis < 0 ? axis + shape.rank() : axis);
}

}  // namespace fovea
