#include "kernels/cpu/group_gemm.h"

#include <algorithm>
#include <bit>

#include "kernels/cpu/panels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/group_gemm.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/activation-inl.h"
#include "kernels/cpu/tiles-inl.h"

#ifndef FOVEA_KERNELS_CPU_GROUP_GEMM_ONCE_
#define FOVEA_KERNELS_CPU_GROUP_GEMM_ONCE_
namespace fovea::cpu {

constexpr int most_group_channels = 8;  // half an AVX-512 vector

}  // namespace fovea::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using GroupTag = hn::ScalableTag<float>;

// Pixels of a tile: all their sums and inputs and one weight are registers.
constexpr int GroupPixels(int channels) {
  constexpr int registers = HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64 ? 32 : 16;
  return std::clamp((registers - 1) / (channels + 1), 1, 8);
}

// What the tiles of one vector share.
struct GroupView {
  const float* weights = nullptr;  // [tap][r][lane]
  const int64_t* taps = nullptr;
  int64_t tap_count = 0;
  const float* bias = nullptr;  // at the vector's first channel
  const float* const* residual = nullptr;
  Clamp clamp = {};
  int64_t channel = 0;             // the vector's first
  int64_t columns = 0;             // lanes that are channels
  const int32_t* lanes = nullptr;  // [r][lane]: which lane of sum r belongs here
};

// Pixels first, first + 1 ...
template <int channels, int pixels>
HWY_INLINE void GroupTile(const GroupView& view, const float* const* windows, int64_t first, float* const* out) {
  const GroupTag d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  using V = hn::Vec<GroupTag>;
  const auto exists = hn::FirstN(d, static_cast<size_t>(view.columns));
  const auto load = [&](const float* from) HWY_ATTR { return hn::MaskedLoad(exists, d, from); };
  const float* in[pixels];
  V sum[pixels][channels];
  FOVEA_UNROLL for (int p = 0; p < pixels; ++p) {
    in[p] = windows[first + p] + view.channel;
    FOVEA_UNROLL for (int r = 0; r < channels; ++r) sum[p][r] = hn::Zero(d);
  }
  const float* weights = view.weights;
  for (int64_t t = 0; t < view.tap_count; ++t, weights += channels * lanes) {
    V x[pixels];
    FOVEA_UNROLL for (int p = 0; p < pixels; ++p) x[p] = load(in[p] + view.taps[t]);
    FOVEA_UNROLL for (int r = 0; r < channels; ++r) {
      const V w = hn::LoadU(d, weights + r * lanes);
      FOVEA_UNROLL for (int p = 0; p < pixels; ++p) sum[p][r] = hn::MulAdd(x[p], w, sum[p][r]);
    }
  }
  const V bias = view.bias ? load(view.bias) : hn::Zero(d);
  FOVEA_UNROLL for (int r = 1; r < channels; ++r) {
    const auto from = hn::SetTableIndices(d, view.lanes + r * lanes);
    FOVEA_UNROLL for (int p = 0; p < pixels; ++p) {
      sum[p][0] = hn::Add(sum[p][0], hn::TableLookupLanes(sum[p][r], from));
    }
  }
  FOVEA_UNROLL for (int p = 0; p < pixels; ++p) {
    V result = hn::Add(sum[p][0], bias);
    if (view.residual) result = hn::Add(result, load(view.residual[first + p] + view.channel));
    StoreColumns(d, ClampVector(d, view.clamp, result), out[first + p] + view.channel, view.columns);
  }
}

template <int channels>
HWY_NOINLINE void GroupTiles(const GroupView& view, const float* const* windows, int64_t count, float* const* out) {
  constexpr int most = GroupPixels(channels);
  int64_t m = 0;
  for (; m + most <= count; m += most) GroupTile<channels, most>(view, windows, m, out);
  for (; m < count; ++m) GroupTile<channels, 1>(view, windows, m, out);
}

// Calls f(channels) with the number as a type, for the powers of two from 1 to most.
template <int most, class F>
HWY_INLINE void WithGroupChannels(int64_t channels, const F& f) {
  if constexpr (most > 1) {
    if (channels < most) return WithGroupChannels<most / 2>(channels, f);
  }
  if constexpr (most > 0) f(std::integral_constant<int, most>());
}

void GroupGemm(const GroupVectors& vectors, const float* packed, const int64_t* taps, const float* const* windows,
               int64_t count, const Epilogue& epilogue, const float* const* residual, float* const* out, int64_t first,
               int64_t last) {
  const int64_t lanes = vectors.lanes;
  const auto channels = static_cast<int32_t>(vectors.channels);
  HWY_ALIGN int32_t source[most_group_channels * hn::MaxLanes(GroupTag())];
  for (int32_t r = 0; r < channels; ++r) {
    for (int32_t l = 0; l < lanes; ++l) {
      const int32_t in_group = l % channels;
      source[r * lanes + l] = l - in_group + (in_group - r + channels) % channels;
    }
  }
  for (int64_t v = first; v < last; ++v) {
    const int64_t channel = v * lanes;
    const GroupView view = {.weights = packed + v * vectors.vector_floats(),
                            .taps = taps,
                            .tap_count = vectors.taps,
                            .bias = epilogue.bias ? epilogue.bias + channel : nullptr,
                            .residual = residual,
                            .clamp = clamp_of(epilogue.activation),
                            .channel = channel,
                            .columns = std::min(lanes, vectors.groups * vectors.channels - channel),
                            .lanes = source};
    WithGroupChannels<hn::MaxLanes(GroupTag()) / 2>(
        channels, [&](auto constant) HWY_ATTR { GroupTiles<constant>(view, windows, count, out); });
    if (is_clamp(epilogue.activation)) continue;
    ActivateRows(epilogue.activation, epilogue.alpha, count, view.columns, [&](int64_t m) { return out[m] + channel; });
  }
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::cpu {

HWY_EXPORT(GroupGemm);

bool GroupVectors::suits(int64_t groups, int64_t in_channels, int64_t out_channels) {
  return groups > 1 && in_channels == out_channels && in_channels <= most_group_channels &&
         std::has_single_bit(static_cast<uint64_t>(in_channels)) && 2 * in_channels <= float_lanes();
}

Tensor pack_groups(const GroupVectors& vectors, const float* weight, const std::vector<int64_t>& tap_offsets,
                   int64_t in_stride, int64_t out_stride, int64_t group_stride) {
  const int64_t channels = vectors.channels;
  Tensor packed = make_buffer(static_cast<size_t>(vectors.count() * vectors.vector_floats()));
  for (int64_t g = 0; g < vectors.groups; ++g) {
    float* to = packed.data() + g / vectors.groups_per_vector() * vectors.vector_floats() +
                g % vectors.groups_per_vector() * channels;
    for (const int64_t tap : tap_offsets) {
      const float* const from = weight + g * group_stride + tap;
      for (int64_t r = 0; r < channels; ++r, to += vectors.lanes) {
        for (int64_t c = 0; c < channels; ++c) to[c] = from[c * in_stride + (c + r) % channels * out_stride];
      }
    }
  }
  return packed;
}

void group_gemm(const GroupVectors& vectors, const float* packed, const int64_t* taps, const float* const* windows,
                int64_t count, const Epilogue& epilogue, const float* const* residual, float* const* out, int64_t first,
                int64_t last) {
  HWY_DYNAMIC_DISPATCH(GroupGemm)(vectors, packed, taps, windows, count, epilogue, residual, out, first, last);
}

}  // namespace fovea::cpu
#endif
