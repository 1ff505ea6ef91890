#pragma once

#include "fovea/ops.h"
#include "ops/attributes.h"

// What windows that slide over a picture have in common: options as attributes, output extents. For conv and pools.
namespace fovea {

// Attributes: padding is {top, bottom, left, right}, zeros beside same = true.
void write_padding(Attributes& attributes, const Padding& padding);
Padding read_padding(AttributeReader& attributes);
inline std::vector<int64_t> to_attribute(const Pair& pair) { return {pair.height, pair.width}; }
Pair read_pair(AttributeReader& attributes, const std::string& name);

// Throws Error(format) naming the option unless lowest <= both <= 2^24: sums of such numbers never overflow.
void require_extents(const char* option, const Pair& pair, int64_t lowest);
void require_padding(const Padding& padding);

// One axis of a sliding window with the padding worked out.
struct SlidingAxis {
  int64_t before = 0;  // padding
  int64_t after = 0;
  int64_t output = 0;  // windows along the axis; < 1 when the window is larger than the padded picture
};

// `extent` counts dilation. ceil_mode: a last window that is only partly inside counts too, if it starts inside.
SlidingAxis slide(int64_t input, int64_t extent, int64_t stride, int64_t before, int64_t after, bool same,
                  bool ceil_mode = false);

}  // namespace fovea
