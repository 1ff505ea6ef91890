#include <algorithm>
#include <array>

#include "data/byte_reader.h"
#include "data/codec.h"

namespace fovea {

namespace {

constexpr uint32_t orientation_tag = 0x0112;

}  // namespace

int exif_orientation(std::span<const uint8_t> tiff) {
  if (tiff.size() < 8 || tiff[0] != tiff[1] || (tiff[0] != 'I' && tiff[0] != 'M')) return 1;
  const ByteReader reader(tiff, tiff[0] == 'M');
  if (reader.u16(2) != 42) return 1;
  const size_t directory = reader.u32(4);
  const uint32_t entries = reader.u16(directory);
  for (uint32_t i = 0; i < entries; ++i) {
    const size_t entry = directory + 2 + size_t{12} * i;
    if (!reader.holds(entry, 12)) break;
    if (reader.u16(entry) != orientation_tag) continue;
    const uint32_t value = reader.u16(entry + 8);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

void orient(Image& image, int orientation) {
  if (orientation <= 1 || orientation > 8) return;
  const bool transposed = orientation >= 5;
  // Whether rows and columns of the stored picture run backwards in the upright one.
  const bool columns_back = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool rows_back = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  Image upright{.height = transposed ? image.width : image.height,
                .width = transposed ? image.height : image.width,
                .channels = image.channels,
                .pixels = std::vector<uint8_t>(image.pixels.size())};
  const auto channels = static_cast<size_t>(image.channels);
  uint8_t* out = upright.pixels.data();
  for (int y = 0; y < upright.height; ++y) {
    for (int x = 0; x < upright.width; ++x, out += channels) {
      int row = transposed ? x : y;
      int column = transposed ? y : x;
      if (rows_back) row = image.height - 1 - row;
      if (columns_back) column = image.width - 1 - column;
      const size_t at = static_cast<size_t>(row) * static_cast<size_t>(image.width) + static_cast<size_t>(column);
      std::copy_n(image.pixels.data() + at * channels, channels, out);
    }
  }
  image = std::move(upright);
}

}  // namespace fovea
