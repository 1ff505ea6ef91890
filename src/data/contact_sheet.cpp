#include "fovea/contact_sheet.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "fovea/error.h"

namespace fovea {

namespace {

constexpr int gap = 4;
constexpr uint8_t background = 48;

// As large as fits into the square.
Image fitted(const Image& picture, int side) {
  const double scale = static_cast<double>(side) / std::max(picture.height, picture.width);
  const auto extent = [&](int size) { return std::clamp(static_cast<int>(std::lround(size * scale)), 1, side); };
  const ResizeFilter filter = scale > 1 ? ResizeFilter::nearest : ResizeFilter::bilinear;
  return to_channels(resize(picture, extent(picture.height), extent(picture.width), filter), 3);
}

void paste(const Image& picture, int top, int left, Image& sheet) {
  const size_t row = 3 * static_cast<size_t>(picture.width);
  for (int y = 0; y < picture.height; ++y) {
    const auto to = static_cast<size_t>(top + y) * static_cast<size_t>(sheet.width) + static_cast<size_t>(left);
    std::copy_n(picture.pixels.data() + static_cast<size_t>(y) * row, row, sheet.pixels.data() + 3 * to);
  }
}

}  // namespace

Image contact_sheet(std::span<const Image> pictures, int columns, int side) {
  const auto count = static_cast<int64_t>(pictures.size());
  if (count < 1 || columns < 1 || side < 1) {
    throw Error(ErrorKind::usage, fmt::format("a contact sheet has pictures, columns and a side of at least 1, got {}, "
                                              "{} and {}",
                                              count, columns, side));
  }
  const int64_t pitch = int64_t{side} + gap;
  const int64_t height = (count + columns - 1) / columns * pitch + gap;
  const int64_t width = std::min<int64_t>(columns, count) * pitch + gap;
  if (std::max(height, width) > max_picture_side || height * width > max_picture_pixels) {
    throw Error(ErrorKind::usage, fmt::format("a contact sheet of {}x{} pixels is too big: take fewer or smaller "
                                              "pictures",
                                              height, width));
  }
  Image sheet{static_cast<int>(height), static_cast<int>(width), 3,
              std::vector<uint8_t>(static_cast<size_t>(height * width * 3), background)};
  for (int64_t i = 0; i < count; ++i) {
    const Image picture = fitted(pictures[static_cast<size_t>(i)], side);
    const auto top = static_cast<int>(gap + i / columns * pitch) + (side - picture.height) / 2;
    const auto left = static_cast<int>(gap + i % columns * pitch) + (side - picture.width) / 2;
    paste(picture, top, left, sheet);
  }
  return sheet;
}

}  // namespace fovea
