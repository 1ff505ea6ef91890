#pragma once

#include <cstdint>

namespace fovea::cpu {

constexpr int64_t narrow_panel = 8;  // lanes of the narrowest panel: half an AVX-512 vector
constexpr int64_t row_block = 56;    // rows worked on together at most, so that a panel is read from cache

// How a matrix b [rows, columns] is cut into panels of columns for the register tiles: as many of two vectors as fit,
// then one as narrow as holds the rest. A panel is stored [rows][width], its missing columns zero.
struct Panels {
  int64_t rows = 0;
  int64_t columns = 0;
  int64_t lanes = 1;

  static Panels for_lanes(int64_t rows, int64_t columns, int64_t lanes) { return {rows, columns, lanes}; }

  int64_t full_width() const { return 2 * lanes; }
  int64_t count() const { return (columns + full_width() - 1) / full_width(); }
  int64_t first_column(int64_t panel) const { return panel * full_width(); }
  int64_t columns_of(int64_t panel) const {
    const int64_t left = columns - first_column(panel);
    return left < full_width() ? left : full_width();
  }
  int64_t width_of(int64_t panel) const {
    const int64_t wanted = columns_of(panel);
    if (wanted > lanes) return full_width();
    return wanted <= narrow_panel && narrow_panel < lanes ? narrow_panel : lanes;
  }
  int64_t offset(int64_t panel) const { return panel * full_width() * rows; }
  int64_t floats() const { return count() == 0 ? 0 : offset(count() - 1) + rows * width_of(count() - 1); }
};

int64_t float_lanes();  // of the vectors of the instruction set in use

// Panels for the vectors of the instruction set in use.
Panels make_panels(int64_t rows, int64_t columns);

// packed <- b, where b[r, c] = source[row_offsets[r] + column_offsets[c]].
void pack_panels(const Panels& panels, const float* source, const int64_t* row_offsets, const int64_t* column_offsets,
                 float* packed);

}  // namespace fovea::cpu
