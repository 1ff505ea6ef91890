#include "kernels/cpu/winograd_transforms.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/winograd_transforms.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/activation-inl.h"
#include "kernels/cpu/tiles-inl.h"
#include "kernels/cpu/winograd_transforms-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// `channels` of a vector's lanes at c of every input; whole: all lanes, of a winograd_window inwinograd_window the
// picture.
template <bool whole>
HWY_INLINE void TransformInputVector(const float* x, const WinogradPatch& patch, int64_t c, int64_t channels,
                                     float* HWY_RESTRICT v, int64_t plane) {
  const WinogradTag d;
  WinogradVector columns[winograd_window][winograd_window];  // [column][point of the rows]
  for (int j = 0; j < winograd_window; ++j) {
    WinogradVector in[winograd_window];
    for (int i = 0; i < winograd_window; ++i) {
      if constexpr (whole) {
        in[i] = hn::LoadU(d, x + patch.at(i, j) + c);
      } else {
        in[i] = patch.contains(i, j) ? LoadColumns(d, x + patch.at(i, j) + c, channels) : hn::Zero(d);
      }
    }
    WinogradInput(d, in, 1, columns[j]);
  }
  for (int i = 0; i < winograd_window; ++i) {
    WinogradVector points[winograd_window];
    WinogradInput(d, &columns[0][i], winograd_window, points);
    for (int j = 0; j < winograd_window; ++j) hn::StoreU(points[j], d, v + (i * winograd_window + j) * plane);
  }
}

void WinogradTransformInput(const WinogradShape& s, const WinogradBlock& block, WinogradRange tiles, const float* x,
                            float* v) {
  const WinogradTag d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t plane = block.input_plane();
  for (int64_t tile = tiles.begin; tile < tiles.end; ++tile) {
    const WinogradPatch patch = winograd_inputs(s, block.first + tile);
    for (int64_t b = 0; b < s.channel_blocks(); ++b) {
      float* const out = v + block.input_offset(s, tile, b);
      for (int64_t lane = 0; lane < winograd_channels; lane += lanes) {
        const int64_t c = b * winograd_channels + lane;
        if (patch.is_whole() && c + lanes <= s.channels) {
          TransformInputVector<true>(x, patch, c, lanes, out + lane, plane);
        } else {
          TransformInputVector<false>(x, patch, c, s.channels - c, out + lane, plane);
        }
      }
    }
  }
}

// The outputs of a tile for a vector's filters from k on; m is their first product. whole: all filters exist, all
// outputs are in the picture.
template <bool whole>
HWY_INLINE void TransformOutputVector(const float* HWY_RESTRICT m, int64_t plane, const Epilogue& epilogue,
                                      const WinogradPatch& patch, int64_t k, int64_t filters, float* y) {
  const WinogradTag d;
  const auto load = [&](const float* from)
                        HWY_ATTR { return whole ? hn::LoadU(d, from) : LoadColumns(d, from, filters); };
  const Clamp clamp = clamp_of(epilogue.activation);
  WinogradVector half[winograd_window][winograd_output];  // [column][row of outputs]
  for (int j = 0; j < winograd_window; ++j) {
    WinogradVector products[winograd_window];
    for (int i = 0; i < winograd_window; ++i) products[i] = hn::LoadU(d, m + (i * winograd_window + j) * plane);
    WinogradOutput(d, products, 1, half[j]);
  }
  const WinogradVector bias = epilogue.bias ? load(epilogue.bias + k) : hn::Zero(d);
  for (int i = 0; i < winograd_output; ++i) {
    WinogradVector outputs[winograd_output];
    WinogradOutput(d, &half[0][i], winograd_output, outputs);
    for (int j = 0; j < winograd_output; ++j) {
      if (!whole && !patch.contains(i, j)) continue;
      const int64_t at = patch.at(i, j) + k;
      WinogradVector sum = hn::Add(outputs[j], bias);
      if (epilogue.residual) sum = hn::Add(sum, load(epilogue.residual + at));
      sum = ClampVector(d, clamp, sum);
      if constexpr (whole) {
        hn::StoreU(sum, d, y + at);
      } else {
        StoreColumns(d, sum, y + at, filters);
      }
    }
  }
}

void WinogradTransformOutput(const WinogradShape& s, const WinogradBlock& block, const Panels& panels,
                             WinogradRange tiles, const float* m, const Epilogue& epilogue, float* y) {
  const WinogradTag d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t tile = tiles.begin; tile < tiles.end; ++tile) {
    const WinogradPatch patch = winograd_outputs(s, block.first + tile);
    for (int64_t k = 0; k < s.filters; k += lanes) {
      const float* const from = m + block.output_offset(panels, tile, k);
      const int64_t plane = block.output_plane(panels, k);
      if (patch.is_whole() && k + lanes <= s.filters) {
        TransformOutputVector<true>(from, plane, epilogue, patch, k, lanes, y);
      } else {
        TransformOutputVector<false>(from, plane, epilogue, patch, k, s.filters - k, y);
      }
    }
    if (is_clamp(epilogue.activation)) continue;
    for (int64_t i = 0; i < patch.bottom; ++i) {
      for (int64_t j = 0; j < patch.right; ++j) {
        float* const pixel = y + patch.at(i, j);
        ActivateRow(epilogue.activation, epilogue.alpha, s.filters, pixel, pixel);
      }
    }
  }
}

void WinogradTransformFilters(const WinogradShape& s, const Panels& panels, int64_t panel,
                              const WinogradWeights& weights, float* packed) {
  const WinogradTag d;
  constexpr int taps = 9, width = 3;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t plane = panels.floats();
  for (int64_t c = 0; c < s.padded_channels(); ++c) {
    for (int64_t lane = 0; lane < panels.width_of(panel); lane += lanes) {
      const int64_t first = panels.first_column(panel) + lane;
      HWY_ALIGN float gathered[taps * HWY_LANES(float)] = {};
      for (int64_t k = 0; c < s.channels && k < std::min(lanes, s.filters - first); ++k) {
        const float* const w = weights.weight + (first + k) * weights.filter_stride + c * weights.channel_stride;
        for (int tap = 0; tap < taps; ++tap) gathered[tap * lanes + k] = w[weights.turned ? taps - 1 - tap : tap];
      }
      WinogradVector columns[width][winograd_window];  // [column][point of the rows]
      for (int j = 0; j < width; ++j) {
        WinogradVector w[width];
        for (int i = 0; i < width; ++i) w[i] = hn::Load(d, gathered + (i * width + j) * lanes);
        WinogradFilter(d, w, 1, columns[j]);
      }
      float* const out = packed + panels.offset(panel) + c * panels.width_of(panel) + lane;
      for (int i = 0; i < winograd_window; ++i) {
        WinogradVector points[winograd_window];
        WinogradFilter(d, &columns[0][i], winograd_window, points);
        for (int j = 0; j < winograd_window; ++j) hn::StoreU(points[j], d, out + (i * winograd_window + j) * plane);
      }
    }
  }
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::cpu {

HWY_EXPORT(WinogradTransformInput);
HWY_EXPORT(WinogradTransformOutput);
HWY_EXPORT(WinogradTransformFilters);

void winograd_transform_input(const WinogradShape& s, const WinogradBlock& block, WinogradRange tiles, const float* x,
                              float* v) {
  HWY_DYNAMIC_DISPATCH(WinogradTransformInput)(s, block, tiles, x, v);
}

void winograd_transform_output(const WinogradShape& s, const WinogradBlock& block, const Panels& panels,
                               WinogradRange tiles, const float* m, const Epilogue& epilogue, float* y) {
  HWY_DYNAMIC_DISPATCH(WinogradTransformOutput)(s, block, panels, tiles, m, epilogue, y);
}

void winograd_transform_filters(const WinogradShape& s, const Panels& panels, int64_t panel,
                                const WinogradWeights& weights, float* packed) {
  HWY_DYNAMIC_DISPATCH(WinogradTransformFilters)(s, panels, panel, weights, packed);
}

}  // namespace fovea::cpu
#endif
