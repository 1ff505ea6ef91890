#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "fovea/error.h"
#include "fovea/image_ops.h"

namespace fovea {

namespace {

size_t row_bytes(const Image& image) { return static_cast<size_t>(image.width) * static_cast<size_t>(image.channels); }

template <size_t channels>
void reverse_row(uint8_t* row, int width) {
  using Pixel = std::array<uint8_t, channels>;
  auto* pixels = reinterpret_cast<Pixel*>(row);
  std::reverse(pixels, pixels + width);
}

void shape(Image& out, int height, int width, int channels) {
  out.height = height;
  out.width = width;
  out.channels = channels;
  out.pixels.resize(static_cast<size_t>(height) * static_cast<size_t>(width) * static_cast<size_t>(channels));
}

// Where a row or column outside [0, size) takes its pixels, -1 for none.
int source_of(int place, int size, Border kind) {
  if (place >= 0 && place < size) return place;
  if (kind == Border::black) return -1;
  if (kind == Border::edge) return std::clamp(place, 0, size - 1);
  return place < 0 ? -place : 2 * (size - 1) - place;
}

}  // namespace

void flip_horizontal(Image& image) {
  const auto reverse = image.channels == 1 ? reverse_row<1> : reverse_row<3>;
  for (size_t at = 0; at < image.pixels.size(); at += row_bytes(image)) {
    reverse(image.pixels.data() + at, image.width);
  }
}

void flip_vertical(Image& image) {
  const size_t row = row_bytes(image);
  uint8_t* low = image.pixels.data();
  for (uint8_t* high = low + image.pixels.size() - row; low < high; low += row, high -= row) {
    std::swap_ranges(low, low + row, high);
  }
}

void pad(const Image& in, int border, Border kind, Image& out) {
  const bool mirrors = kind != Border::reflect || border < std::min(in.height, in.width);
  const int64_t height = in.height + 2 * int64_t{border};
  const int64_t width = in.width + 2 * int64_t{border};
  const bool fits = std::max(height, width) <= max_picture_side && height * width <= max_picture_pixels;
  if (border < 0 || !fits || !mirrors) {
    throw Error(ErrorKind::usage, fmt::format("cannot pad a picture of {}x{} by {}", in.height, in.width, border));
  }
  shape(out, in.height + 2 * border, in.width + 2 * border, in.channels);
  const auto channels = static_cast<size_t>(in.channels);
  const size_t side = static_cast<size_t>(border) * channels;
  for (int y = 0; y < out.height; ++y) {
    uint8_t* row = out.pixels.data() + static_cast<size_t>(y) * row_bytes(out);
    const int source = source_of(y - border, in.height, kind);
    if (source < 0) {
      std::memset(row, 0, row_bytes(out));
      continue;
    }
    const uint8_t* from = in.pixels.data() + static_cast<size_t>(source) * row_bytes(in);
    std::memcpy(row + side, from, row_bytes(in));
    for (int x = 0; x < border; ++x) {
      const int right = out.width - 1 - x;
      for (const int place : {x, right}) {
        const int column = source_of(place - border, in.width, kind);
        uint8_t* pixel = row + static_cast<size_t>(place) * channels;
        if (column < 0) {
          std::memset(pixel, 0, channels);
        } else {
          std::memcpy(pixel, from + static_cast<size_t>(column) * channels, channels);
        }
      }
    }
  }
}

void crop(const Image& in, int top, int left, int height, int width, Image& out) {
  if (top < 0 || left < 0 || height < 1 || width < 1 || height > in.height - top || width > in.width - left) {
    throw Error(ErrorKind::usage, fmt::format("cannot cut {}x{} from ({}, {}) out of a picture of {}x{}", height, width,
                                              top, left, in.height, in.width));
  }
  shape(out, height, width, in.channels);
  const auto channels = static_cast<size_t>(in.channels);
  const uint8_t* from =
      in.pixels.data() + static_cast<size_t>(top) * row_bytes(in) + static_cast<size_t>(left) * channels;
  for (size_t at = 0; at < out.pixels.size(); at += row_bytes(out), from += row_bytes(in)) {
    std::memcpy(out.pixels.data() + at, from, row_bytes(out));
  }
}

}  // namespace fovea
