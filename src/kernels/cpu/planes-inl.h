// From channels-last pixels to one plane per channel and back; re-included per instruction set, so no #pragma once.
#if defined(FOVEA_KERNELS_CPU_PLANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FOVEA_KERNELS_CPU_PLANES_INL_H_
#undef FOVEA_KERNELS_CPU_PLANES_INL_H_
#else
#define FOVEA_KERNELS_CPU_PLANES_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// out[c][r] = in[r][c] of a small block.
#if HWY_TARGET == HWY_SCALAR

template <int rows, int columns>
HWY_INLINE void TransposeBlock(const float* in, int64_t in_pitch, float* out, int64_t out_pitch) {
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < columns; ++c) out[c * out_pitch + r] = in[r * in_pitch + c];
  }
}

#else

using FourFloats = hn::CappedTag<float, 4>;
using TwoFloats = hn::Half<FourFloats>;

template <int rows, int columns>
requires(rows == 4 && columns == 4) HWY_INLINE
    void TransposeBlock(const float* in, int64_t in_pitch, float* out, int64_t out_pitch) {
  const FourFloats d;
  const auto a = hn::LoadU(d, in);
  const auto b = hn::LoadU(d, in + in_pitch);
  const auto c = hn::LoadU(d, in + 2 * in_pitch);
  const auto e = hn::LoadU(d, in + 3 * in_pitch);
  const auto ab_lower = hn::InterleaveLower(d, a, b);
  const auto ce_lower = hn::InterleaveLower(d, c, e);
  const auto ab_upper = hn::InterleaveUpper(d, a, b);
  const auto ce_upper = hn::InterleaveUpper(d, c, e);
  hn::StoreU(hn::ConcatLowerLower(d, ce_lower, ab_lower), d, out);
  hn::StoreU(hn::ConcatUpperUpper(d, ce_lower, ab_lower), d, out + out_pitch);
  hn::StoreU(hn::ConcatLowerLower(d, ce_upper, ab_upper), d, out + 2 * out_pitch);
  hn::StoreU(hn::ConcatUpperUpper(d, ce_upper, ab_upper), d, out + 3 * out_pitch);
}

template <int rows, int columns>
requires(rows == 4 && columns == 2) HWY_INLINE
    void TransposeBlock(const float* in, int64_t in_pitch, float* out, int64_t out_pitch) {
  const FourFloats d;
  const TwoFloats half;
  const auto first = hn::Combine(d, hn::LoadU(half, in + in_pitch), hn::LoadU(half, in));
  const auto second = hn::Combine(d, hn::LoadU(half, in + 3 * in_pitch), hn::LoadU(half, in + 2 * in_pitch));
  hn::StoreU(hn::ConcatEven(d, second, first), d, out);
  hn::StoreU(hn::ConcatOdd(d, second, first), d, out + out_pitch);
}

template <int rows, int columns>
requires(rows == 2 && columns == 4) HWY_INLINE
    void TransposeBlock(const float* in, int64_t in_pitch, float* out, int64_t out_pitch) {
  const FourFloats d;
  const TwoFloats half;
  const auto a = hn::LoadU(d, in);
  const auto b = hn::LoadU(d, in + in_pitch);
  const auto lower = hn::InterleaveLower(d, a, b);
  const auto upper = hn::InterleaveUpper(d, a, b);
  hn::StoreU(hn::LowerHalf(half, lower), half, out);
  hn::StoreU(hn::UpperHalf(half, lower), half, out + out_pitch);
  hn::StoreU(hn::LowerHalf(half, upper), half, out + 2 * out_pitch);
  hn::StoreU(hn::UpperHalf(half, upper), half, out + 3 * out_pitch);
}

#endif

// Calls four(p, c) for blocks of four pixels and four channels, two(p, c) for four pixels and two channels, one(p, c)
// for what is left.
template <class Four, class Two, class One>
HWY_INLINE void for_each_block(int64_t count, int64_t channels, const Four& four, const Two& two, const One& one) {
  int64_t c = 0;
  const int64_t whole = count - count % 4;
  const auto column = [&](int64_t width, const auto& block) HWY_ATTR {
    for (int64_t p = 0; p < whole; p += 4) block(p, c);
    for (int64_t p = whole; p < count; ++p) {
      for (int64_t k = 0; k < width; ++k) one(p, c + k);
    }
  };
  for (; c + 4 <= channels; c += 4) column(4, four);
  for (; c + 2 <= channels; c += 2) column(2, two);
  for (; c < channels; ++c) {
    for (int64_t p = 0; p < count; ++p) one(p, c);
  }
}

// planes[c * plane_pitch + p] = pixels[p * pixel_pitch + c] for p < count, c < channels.
HWY_INLINE void PixelsToPlanes(int64_t count, int64_t channels, const float* HWY_RESTRICT pixels, int64_t pixel_pitch,
                               float* HWY_RESTRICT planes, int64_t plane_pitch) {
  if (pixel_pitch == 1) {
    std::copy_n(pixels, count, planes);
    return;
  }
  for_each_block(
      count, channels,
      [&](int64_t p, int64_t c) HWY_ATTR {
        TransposeBlock<4, 4>(pixels + p * pixel_pitch + c, pixel_pitch, planes + c * plane_pitch + p, plane_pitch);
      },
      [&](int64_t p, int64_t c) HWY_ATTR {
        TransposeBlock<4, 2>(pixels + p * pixel_pitch + c, pixel_pitch, planes + c * plane_pitch + p, plane_pitch);
      },
      [&](int64_t p, int64_t c) HWY_ATTR { planes[c * plane_pitch + p] = pixels[p * pixel_pitch + c]; });
}

// pixels[p * pixel_pitch + c] = planes[c * plane_pitch + p] for p < count, c < channels.
HWY_INLINE void PlanesToPixels(int64_t count, int64_t channels, const float* HWY_RESTRICT planes, int64_t plane_pitch,
                               float* HWY_RESTRICT pixels, int64_t pixel_pitch) {
  for_each_block(
      count, channels,
      [&](int64_t p, int64_t c) HWY_ATTR {
        TransposeBlock<4, 4>(planes + c * plane_pitch + p, plane_pitch, pixels + p * pixel_pitch + c, pixel_pitch);
      },
      [&](int64_t p, int64_t c) HWY_ATTR {
        TransposeBlock<2, 4>(planes + c * plane_pitch + p, plane_pitch, pixels + p * pixel_pitch + c, pixel_pitch);
      },
      [&](int64_t p, int64_t c) HWY_ATTR { pixels[p * pixel_pitch + c] = planes[c * plane_pitch + p]; });
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
