#include "fovea/colour_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <span>

#include "data/convert.h"
#include "fovea/error.h"

namespace fovea {

namespace {

// Colours 0xRRGGBB at even distances. The first three are every eighth of the 256 that matplotlib publishes.
constexpr std::array viridis = {
    0x440154, 0x470d60, 0x48186a, 0x482374, 0x472d7b, 0x453681, 0x424086, 0x3f4989, 0x3b528b, 0x375a8d, 0x33638d,
    0x2f6a8e, 0x2c728e, 0x297a8e, 0x26818e, 0x23898e, 0x21908c, 0x1f988b, 0x1f9f88, 0x21a685, 0x28ae80, 0x31b57b,
    0x3ebc74, 0x4cc26c, 0x5dc963, 0x6ece58, 0x82d34c, 0x96d83f, 0xabdc32, 0xc0df24, 0xd5e21a, 0xeae51a, 0xfde725};
constexpr std::array magma = {0x000004, 0x030311, 0x0a0822, 0x130d33, 0x1d1146, 0x28115a, 0x36106a, 0x430f76, 0x50127c,
                              0x5d177f, 0x691c81, 0x762181, 0x822681, 0x8f2a81, 0x9c2e7f, 0xa9327d, 0xb63779, 0xc33b75,
                              0xcf4170, 0xdb486a, 0xe65163, 0xee5c5e, 0xf5695c, 0xf9785d, 0xfb8761, 0xfd9668, 0xfea571,
                              0xfeb47b, 0xfec387, 0xfed194, 0xfde0a2, 0xfceeb0, 0xfcfdbf};
constexpr std::array cividis = {
    0x00224e, 0x00285b, 0x002e6a, 0x043371, 0x1a386f, 0x273e6e, 0x32436d, 0x3b496c, 0x434e6c, 0x4b546c, 0x52596d,
    0x5a5f6e, 0x61656f, 0x686a71, 0x6f7073, 0x757676, 0x7c7b78, 0x848179, 0x8b8778, 0x938d78, 0x9b9376, 0xa39a75,
    0xaba072, 0xb3a670, 0xbbad6c, 0xc3b469, 0xccba64, 0xd4c15f, 0xddc958, 0xe6d051, 0xefd748, 0xf8df3c, 0xfee838};
constexpr std::array red_blue = {0x053061, 0x2166ac, 0x4393c3, 0x92c5de, 0xd1e5f0, 0xf7f7f7,
                                 0xfddbc7, 0xf4a582, 0xd6604d, 0xb2182b, 0x67001f};
constexpr std::array grey = {0x000000, 0xffffff};

std::span<const int> colours_of(ColourMap map) {
  switch (map) {
    case ColourMap::viridis:
      return viridis;
    case ColourMap::magma:
      return magma;
    case ColourMap::cividis:
      return cividis;
    case ColourMap::red_blue:
      return red_blue;
    case ColourMap::grey:
      return grey;
  }
  return grey;
}

// `position` in [0, 1].
std::array<uint8_t, 3> colour_at(std::span<const int> colours, double position) {
  const double place = position * static_cast<double>(colours.size() - 1);
  const size_t below = std::min(static_cast<size_t>(place), colours.size() - 2);
  const double above = place - static_cast<double>(below);
  std::array<uint8_t, 3> result{};
  for (size_t c = 0; c < 3; ++c) {
    const int shift = 16 - 8 * static_cast<int>(c);
    const auto sample = [&](size_t i) { return static_cast<double>((colours[i] >> shift) & 0xff); };
    result[c] = static_cast<uint8_t>(std::lround((1 - above) * sample(below) + above * sample(below + 1)));
  }
  return result;
}

void check_map(const Tensor& map) {
  if (map.shape().rank() == 2 && !map.empty()) return;
  throw Error(ErrorKind::usage, fmt::format("a map is height x width values, got {}", to_string(map.shape())));
}

// Where one of the new grid's points lies between two of the old.
struct Between {
  int64_t first, second;
  float weight;  // of the second
};

Between between(int64_t i, int64_t count, int64_t old_count) {
  const double scale = static_cast<double>(old_count) / static_cast<double>(count);
  const double place = std::max(0.0, (static_cast<double>(i) + 0.5) * scale - 0.5);
  const auto first = std::min(static_cast<int64_t>(place), old_count - 1);
  return {first, std::min(first + 1, old_count - 1), static_cast<float>(place - static_cast<double>(first))};
}

void paste(const Image& from, Image& to, int top, int left) {
  for (int y = 0; y < from.height; ++y) {
    const size_t row = static_cast<size_t>(from.width) * from.channels;
    const size_t target = (static_cast<size_t>(top + y) * to.width + left) * to.channels;
    std::copy_n(from.pixels.begin() + static_cast<ptrdiff_t>(y * row), row,
                to.pixels.begin() + static_cast<ptrdiff_t>(target));
  }
}

}  // namespace

ValueRange value_range(const Tensor& values) {
  ValueRange range{INFINITY, -INFINITY};
  for (const float value : values.values()) {
    if (!std::isfinite(value)) continue;
    range.low = std::min(range.low, value);
    range.high = std::max(range.high, value);
  }
  return range.low <= range.high ? range : ValueRange{};
}

ValueRange symmetric_range(const Tensor& values) {
  const auto [low, high] = value_range(values);
  const float magnitude = std::max(-low, high);
  return {-magnitude, magnitude};
}

Image colour(const Tensor& map, ColourMap colours, ValueRange range) {
  check_map(map);
  const std::span<const int> table = colours_of(colours);
  Image image{static_cast<int>(map.shape()[0]), static_cast<int>(map.shape()[1]), 3, {}};
  image.pixels.reserve(static_cast<size_t>(map.size()) * 3);
  const double extent = static_cast<double>(range.high) - range.low;
  for (const float value : map.values()) {
    const double position = extent > 0 ? (static_cast<double>(value) - range.low) / extent : 0;
    const auto rgb = colour_at(table, position > 0 ? std::min(position, 1.0) : 0);  // NaN is not above zero
    image.pixels.insert(image.pixels.end(), rgb.begin(), rgb.end());
  }
  return image;
}

Image colour(const Tensor& map, ColourMap colours) {
  return colour(map, colours, colours == ColourMap::red_blue ? symmetric_range(map) : value_range(map));
}

Tensor enlarge(const Tensor& map, int64_t height, int64_t width) {
  check_map(map);
  if (height < 1 || width < 1) {
    throw Error(ErrorKind::usage, fmt::format("a map cannot be enlarged to {}x{}", height, width));
  }
  const int64_t rows = map.shape()[0];
  const int64_t columns = map.shape()[1];
  Tensor result(Shape{height, width});
  for (int64_t y = 0; y < height; ++y) {
    const Between v = between(y, height, rows);
    for (int64_t x = 0; x < width; ++x) {
      const Between h = between(x, width, columns);
      const auto along = [&](int64_t row) {
        return (1 - h.weight) * map[row * columns + h.first] + h.weight * map[row * columns + h.second];
      };
      result[y * width + x] = (1 - v.weight) * along(v.first) + v.weight * along(v.second);
    }
  }
  return result;
}

Image overlay(const Image& picture, const Image& above, double opacity) {
  check_image(picture);
  check_image(above);
  if (picture.height != above.height || picture.width != above.width) {
    throw Error(ErrorKind::usage, fmt::format("a picture of {}x{} cannot lie over one of {}x{}", above.height,
                                              above.width, picture.height, picture.width));
  }
  if (!(opacity >= 0 && opacity <= 1)) {
    throw Error(ErrorKind::usage, fmt::format("opacity must be between 0 and 1, got {}", opacity));
  }
  Image mixed = to_channels(picture, 3);
  const Image top = to_channels(above, 3);
  for (size_t i = 0; i < mixed.pixels.size(); ++i) {
    mixed.pixels[i] = static_cast<uint8_t>(std::lround(opacity * top.pixels[i] + (1 - opacity) * mixed.pixels[i]));
  }
  return mixed;
}

Image mosaic(const std::vector<Image>& pictures, int columns, int gap) {
  if (pictures.empty() || columns < 0 || gap < 0) {
    throw Error(ErrorKind::usage, "a mosaic needs pictures, and columns and a gap that are not negative");
  }
  int height = 0;
  int width = 0;
  int channels = 1;
  for (const Image& picture : pictures) {
    check_image(picture);
    height = std::max(height, picture.height);
    width = std::max(width, picture.width);
    channels = std::max(channels, picture.channels);
  }
  const auto count = static_cast<int>(pictures.size());
  if (columns == 0)
    columns = std::max(1, static_cast<int>(std::ceil(std::sqrt(count * static_cast<double>(height) / width))));
  columns = std::min(columns, count);
  const int rows = (count + columns - 1) / columns;
  Image whole{rows * (height + gap) - gap, columns * (width + gap) - gap, channels, {}};
  whole.pixels.assign(static_cast<size_t>(whole.height) * whole.width * channels, 255);
  for (int i = 0; i < count; ++i) {
    paste(to_channels(pictures[static_cast<size_t>(i)], channels), whole, i / columns * (height + gap),
          i % columns * (width + gap));
  }
  return whole;
}

Image magnify(const Image& image, int factor) {
  check_image(image);
  if (factor < 1) throw Error(ErrorKind::usage, fmt::format("pictures are magnified by 1 or more, got {}", factor));
  Image large{image.height * factor, image.width * factor, image.channels, {}};
  large.pixels.reserve(image.pixels.size() * factor * factor);
  for (int y = 0; y < large.height; ++y) {
    for (int x = 0; x < large.width; ++x) {
      const size_t from = (static_cast<size_t>(y / factor) * image.width + x / factor) * image.channels;
      for (int c = 0; c < image.channels; ++c) large.pixels.push_back(image.pixels[from + c]);
    }
  }
  return large;
}

}  // namespace fovea
