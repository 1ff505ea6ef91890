#include "kernels/cpu/winograd_gradient_transforms.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/winograd_gradient_transforms.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/tiles-inl.h"
#include "kernels/cpu/winograd_transforms-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The gradients of a tile's outputs for a vector's filters from k on.
template <bool whole>
HWY_INLINE void TransformOutputGradientVector(const float* HWY_RESTRICT dy, const WinogradPatch& patch, int64_t k,
                                              int64_t filters, float* HWY_RESTRICT m, int64_t plane,
                                              float* HWY_RESTRICT tile_sum) {
  const WinogradTag d;
  WinogradVector columns[winograd_output][winograd_window];  // [column][point of the rows]
  WinogradVector sum = hn::Zero(d);
  for (int j = 0; j < winograd_output; ++j) {
    WinogradVector in[winograd_output];
    for (int i = 0; i < winograd_output; ++i) {
      if constexpr (whole) {
        in[i] = hn::LoadU(d, dy + patch.at(i, j) + k);
      } else {
        in[i] = patch.contains(i, j) ? LoadColumns(d, dy + patch.at(i, j) + k, filters) : hn::Zero(d);
      }
      sum = hn::Add(sum, in[i]);
    }
    WinogradOutputGradient(d, in, 1, columns[j]);
  }
  for (int i = 0; i < winograd_window; ++i) {
    WinogradVector points[winograd_window];
    WinogradOutputGradient(d, &columns[0][i], winograd_window, points);
    for (int j = 0; j < winograd_window; ++j) hn::StoreU(points[j], d, m + (i * winograd_window + j) * plane);
  }
  hn::StoreU(sum, d, tile_sum);
}

void WinogradTransformOutputGradient(const WinogradShape& s, const WinogradBlock& block, const Panels& panels,
                                     WinogradRange tiles, const float* dy, float* m, float* tile_sums) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(WinogradTag()));
  for (int64_t tile = tiles.begin; tile < tiles.end; ++tile) {
    const WinogradPatch patch = winograd_outputs(s, block.first + tile);
    for (int64_t k = 0; k < panels.columns; k += lanes) {
      float* const to = m + block.output_offset(panels, tile, k);
      float* const sum = tile_sums + tile * panels.columns + k;
      const int64_t plane = block.output_plane(panels, k);
      if (patch.is_whole() && k + lanes <= s.filters) {
        TransformOutputGradientVector<true>(dy, patch, k, lanes, to, plane, sum);
      } else {
        TransformOutputGradientVector<false>(dy, patch, k, s.filters - k, to, plane, sum);
      }
    }
  }
}

void WinogradTransformFilterGradient(const WinogradShape& s, const Panels& panels, int64_t panel, const float* sums,
                                     float* dweight) {
  const WinogradTag d;
  constexpr int taps = 9, width = 3;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t plane = panels.floats();
  for (int64_t lane = 0; lane < panels.width_of(panel); lane += lanes) {
    const int64_t first = panels.first_column(panel) + lane;
    for (int64_t c = 0; c < s.channels; ++c) {
      const float* const from = sums + panels.offset(panel) + c * panels.width_of(panel) + lane;
      WinogradVector half[winograd_window][width];  // [column][row of weights]
      for (int j = 0; j < winograd_window; ++j) {
        WinogradVector products[winograd_window];
        for (int i = 0; i < winograd_window; ++i) {
          products[i] = hn::LoadU(d, from + (i * winograd_window + j) * plane);
        }
        WinogradFilterGradient(d, products, 1, half[j]);
      }
      HWY_ALIGN float gradients[taps * HWY_LANES(float)];  // [tap][filter]
      for (int i = 0; i < width; ++i) {
        WinogradVector w[width];
        WinogradFilterGradient(d, &half[0][i], width, w);
        for (int j = 0; j < width; ++j) hn::Store(w[j], d, gradients + (i * width + j) * lanes);
      }
      for (int64_t k = 0; k < std::min(lanes, s.filters - first); ++k) {
        float* const to = dweight + ((first + k) * s.channels + c) * taps;
        for (int tap = 0; tap < taps; ++tap) to[tap] = gradients[tap * lanes + k];
      }
    }
  }
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::cpu {

HWY_EXPORT(WinogradTransformOutputGradient);
HWY_EXPORT(WinogradTransformFilterGradient);

void winograd_transform_output_gradient(const WinogradShape& s, const WinogradBlock& block, const Panels& panels,
                                        WinogradRange tiles, const float* dy, float* m, float* tile_sums) {
  HWY_DYNAMIC_DISPATCH(WinogradTransformOutputGradient)(s, block, panels, tiles, dy, m, tile_sums);
}

void winograd_transform_filter_gradient(const WinogradShape& s, const Panels& panels, int64_t panel, const float* sums,
                                        float* dweight) {
  HWY_DYNAMIC_DISPATCH(WinogradTransformFilterGradient)(s, panels, panel, sums, dweight);
}

}  // namespace fovea::cpu
#endif
