#pragma once

#include <cstdint>
#include <span>

namespace fovea::ref {

// y {rows, sum of widths}: in each row, the row of parts[0] {rows, widths[0]}, then that of parts[1] ...
template <class T>
void concatenate(int64_t rows, std::span<const int64_t> widths, std::span<const T* const> parts, T* y) {
  for (int64_t row = 0; row < rows; ++row) {
    for (size_t part = 0; part < parts.size(); ++part) {
      for (int64_t i = 0; i < widths[part]; ++i) *y++ = parts[part][row * widths[part] + i];
    }
  }
}

// The reverse. Null parts are left out.
template <class T>
void split(int64_t rows, std::span<const int64_t> widths, const T* y, std::span<T* const> parts) {
  for (int64_t row = 0; row < rows; ++row) {
    for (size_t part = 0; part < parts.size(); ++part) {
      for (int64_t i = 0; i < widths[part]; ++i, ++y) {
        if (parts[part]) parts[part][row * widths[part] + i] = *y;
      }
    }
  }
}

}  // namespace fovea::ref
