#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstdint>

#include "fovea/error.h"

namespace fovea {

// A sample's class, given as a number, as an index. Throws Error(data) unless it is a whole number in [0, classes).
template <class T>
int64_t class_index(int64_t sample, T value, int64_t classes) {
  if (value >= T(0) && value < T(classes) && value == std::floor(value)) return static_cast<int64_t>(value);
  throw Error(ErrorKind::data,
              fmt::format("sample {} of the batch: the class must be a whole number from 0 to {}, got {}", sample,
                          classes - 1, value));
}

}  // namespace fovea
