#pragma once

#include <vector>

#include "fovea/image.h"
#include "fovea/tensor.h"

// Maps of numbers as pictures, in colours that grow evenly lighter: they stay in order when printed grey, and for
// readers who do not tell red from green.
namespace fovea {

enum class ColourMap {
  viridis,   // dark blue over green to yellow (van der Walt and Smith 2015)
  magma,     // black over purple to pale yellow (the same)
  cividis,   // blue over grey to yellow, alike to all kinds of colour blindness (Nunez et al. 2018)
  red_blue,  // from dark blue over white to dark red (ColorBrewer's RdBu, reversed): for values with a sign
  grey,
};

struct ValueRange {
  float low = 0;
  float high = 0;
};

// Least and greatest finite value; {0, 0} when there is none.
ValueRange value_range(const Tensor& values);
// {-m, m} with m the greatest finite magnitude: puts zero in the middle of red_blue.
ValueRange symmetric_range(const Tensor& values);

// {H, W} values as a colour picture: range.low and below get the map's first colour, range.high and above its last,
// those in between are interpolated (within 6/255 of the published tables). NaN is the first colour, and so is all of
// a map whose range is empty. Throws Error(usage) unless `map` is {H, W}.
Image colour(const Tensor& map, ColourMap colours, ValueRange range);
// Over the whole range of its values, or for red_blue over its symmetric range.
Image colour(const Tensor& map, ColourMap colours = ColourMap::viridis);

// {H, W} values on a grid of {height, width}, bilinear between the centres of pixels, constant beyond the outermost
// (as torch.nn.functional.interpolate with align_corners = false; without antialiasing).
// Throws Error(usage) unless `map` is {H, W} and the size is positive.
Tensor enlarge(const Tensor& map, int64_t height, int64_t width);

// A picture seen through another of its size: opacity * above + (1 - opacity) * picture, in colour.
// Throws Error(usage) for unequal sizes or an opacity outside [0, 1].
Image overlay(const Image& picture, const Image& above, double opacity = 0.5);

// Pictures side by side in rows of `columns` (0: as many as make the whole about square), `gap` white pixels between
// them; in colour if any of them is. Each place has the size of the largest. Throws Error(usage) when there are none.
Image mosaic(const std::vector<Image>& pictures, int columns = 0, int gap = 1);

// A copy in which every pixel is a square of `factor` pixels. Throws Error(usage) for a factor below 1.
Image magnify(const Image& image, int factor);

}  // namespace fovea
