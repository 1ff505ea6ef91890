#pragma once

#include <array>
#include <string>
#include <vector>

#include "fovea/extents.h"
#include "ops/attributes.h"

// What windows that slide over a sequence, picture or volume have in common: options as attributes, output extents. For
// convolutions and pools.
namespace fovea {

// Attributes: padding is {before, after} of each axis, zeros beside same = true.
void write_padding(Attributes& attributes, const Padding& padding, int axes);
Padding read_padding(AttributeReader& attributes);
Extents read_extents(AttributeReader& attributes, const std::string& name);

// How many spatial axes an input has: 1 for {N, L, C}, 2 for {N, H, W, C}, 3 for {N, D, H, W, C}. For other ranks the
// nearest number; require_positions refuses these.
int spatial_axes(const Shape& x);

// Throws Error(format) unless x has so many spatial axes; 0: from one to three.
void require_positions(const Shape& x, int axes = 0);
// Throws Error(format) naming the option unless it has a number for each axis, and lowest <= each <= 2^24: sums of such
// numbers never overflow.
void require_extents(const char* option, const Extents& extents, int axes, int64_t lowest);
void require_padding(const Padding& padding, int axes);

// One axis of a sliding window with the padding worked out.
struct SlidingAxis {
  int64_t input = 1;
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t dilation = 1;
  int64_t before = 0;  // padding
  int64_t after = 0;
  int64_t output = 1;  // windows along the axis

  int64_t extent() const { return (kernel - 1) * dilation + 1; }
};

// Depth, height and width, which kernels loop over. Those that an input does not have are one long.
using SlidingAxes = std::array<SlidingAxis, Extents::max_axes>;
// Axis `axis` of an input that has `axes`.
inline SlidingAxis& axis_of(SlidingAxes& all, int axes, int axis) { return *(all.end() - axes + axis); }

// ceil_mode: a last window that is only partly inside counts too, if it starts inside. Throws Error(format) when the
// window does not fit the padded input.
SlidingAxes slide(const Shape& x, const Extents& kernel, const Extents& stride, const Extents& dilation,
                  const Padding& padding, bool ceil_mode = false);

// {batch, extents..., channels} of so many axes.
Shape positions_shape(int64_t batch, const std::array<int64_t, Extents::max_axes>& extents, int64_t channels, int axes);

}  // namespace fovea
