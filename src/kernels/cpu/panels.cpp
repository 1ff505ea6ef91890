#include "kernels/cpu/panels.h"

#include <algorithm>

#include "fovea/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/panels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {

int64_t FloatLanes() {
  return static_cast<int64_t>(hwy::HWY_NAMESPACE::Lanes(hwy::HWY_NAMESPACE::ScalableTag<float>()));
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::cpu {

HWY_EXPORT(FloatLanes);

int64_t float_lanes() { return HWY_DYNAMIC_DISPATCH(FloatLanes)(); }

Panels make_panels(int64_t rows, int64_t columns) { return Panels::for_lanes(rows, columns, float_lanes()); }

void pack_panels(const Panels& panels, const float* source, const int64_t* row_offsets, const int64_t* column_offsets,
                 float* packed) {
  constexpr int64_t elements_per_chunk = 32768;
  constexpr int64_t line = 16;  // floats
  const int64_t grain = std::max<int64_t>(1, elements_per_chunk / (panels.rows * panels.full_width() + 1));
  parallel_for(panels.count(), grain, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) {
      const int64_t* columns = column_offsets + panels.first_column(p);
      const int64_t valid = panels.columns_of(p);
      const int64_t width = panels.width_of(p);
      // Rows of b mostly lie side by side in the source: those of a cache line are fetched once.
      for (int64_t r = 0; r < panels.rows; r += line) {
        const int64_t rows = std::min(line, panels.rows - r);
        float* const out = packed + panels.offset(p) + r * width;
        for (int64_t c = 0; c < valid; ++c) {
          const float* const column = source + columns[c];
          for (int64_t i = 0; i < rows; ++i) out[i * width + c] = column[row_offsets[r + i]];
        }
        for (int64_t i = 0; i < rows; ++i) std::fill(out + i * width + valid, out + (i + 1) * width, 0.0F);
      }
    }
  });
}

}  // namespace fovea::cpu
#endif
