#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/cpu/panels.h"

// Winograd's F(4x4, 3x3): a tile of 4x4 outputs of a 3x3 convolution takes 36 products per channel and filter, not 144.
namespace fovea::cpu {

constexpr int winograd_output = 4;                    // rows and columns of a tile of outputs
constexpr int winograd_window = winograd_output + 2;  // of the inputs they depend on
constexpr int winograd_products = winograd_window * winograd_window;
constexpr int64_t winograd_channels = 16;  // stored side by side: a cache line, and whole vectors for any instructions

// y[i, j, k] = sum over a, b, c of x[i + a - top, j + b - left, c] w[k, c, a, b], x zero outside. top and left may be
// negative. Tiles are numbered along rows, then columns, then pictures.
struct WinogradShape {
  int64_t batch = 1, height = 1, width = 1, channels = 1;
  int64_t out_height = 1, out_width = 1, filters = 1;
  int64_t top = 0, left = 0;
  int64_t out_pixel = 0;  // floats from pixel to pixel of y

  int64_t tiles_down() const { return (out_height + winograd_output - 1) / winograd_output; }
  int64_t tiles_across() const { return (out_width + winograd_output - 1) / winograd_output; }
  int64_t tiles() const { return batch * tiles_down() * tiles_across(); }
  int64_t channel_blocks() const { return (channels + winograd_channels - 1) / winograd_channels; }
  int64_t padded_channels() const { return channel_blocks() * winograd_channels; }
};

// Where a tile's outputs begin.
struct WinogradTile {
  int64_t picture, row, column;
};
inline WinogradTile winograd_tile(const WinogradShape& s, int64_t tile) {
  const int64_t across = tile % s.tiles_across();
  const int64_t down = tile / s.tiles_across();
  return {down / s.tiles_down(), down % s.tiles_down() * winograd_output, across * winograd_output};
}

// Panels (of filters) for the register tiles: whole vectors only.
inline Panels winograd_panels(int64_t rows, int64_t filters) {
  const int64_t lanes = float_lanes();
  return Panels::for_lanes(rows, (filters + lanes - 1) / lanes * lanes, lanes);
}

// A square of pixels, some of which may lie outside the picture.
struct WinogradPatch {
  int64_t first = 0;  // element of its corner, inside or not
  int64_t row_stride = 0, column_stride = 0;
  int64_t top = 0, bottom = 0, left = 0, right = 0;  // its rows and columns inside the picture
  int64_t extent = 0;

  int64_t at(int64_t i, int64_t j) const { return first + i * row_stride + j * column_stride; }
  bool contains(int64_t i, int64_t j) const { return i >= top && i < bottom && j >= left && j < right; }
  bool is_whole() const { return top == 0 && left == 0 && bottom == extent && right == extent; }
};
inline WinogradPatch winograd_patch(int64_t picture, int64_t row, int64_t column, int64_t extent, int64_t height,
                                    int64_t width, int64_t channels) {
  return {.first = ((picture * height + row) * width + column) * channels,
          .row_stride = width * channels,
          .column_stride = channels,
          .top = std::max<int64_t>(0, -row),
          .bottom = std::min(extent, height - row),
          .left = std::max<int64_t>(0, -column),
          .right = std::min(extent, width - column),
          .extent = extent};
}
// The inputs that a tile depends on, and its outputs.
inline WinogradPatch winograd_inputs(const WinogradShape& s, int64_t tile) {
  const auto [picture, row, column] = winograd_tile(s, tile);
  return winograd_patch(picture, row - s.top, column - s.left, winograd_window, s.height, s.width, s.channels);
}
inline WinogradPatch winograd_outputs(const WinogradShape& s, int64_t tile) {
  const auto [picture, row, column] = winograd_tile(s, tile);
  return winograd_patch(picture, row, column, winograd_output, s.out_height, s.out_width, s.out_pixel);
}

// Room for the transforms of some tiles, of which the first is tile `first`. They are cut into strips, as high as a
// register tile, and all products of a strip lie near each other (within the few pages that translation buffers hold):
// [strip][channel block][product][tile][channel] of inputs, [strip][panel][product][tile][filter] of outputs.
struct WinogradBlock {
  int64_t first = 0;
  int64_t height = 1;  // tiles of a strip
  int64_t strips = 0;

  int64_t input_floats(const WinogradShape& s) const {
    return strips * winograd_products * height * s.padded_channels();
  }
  int64_t output_floats(const Panels& panels) const { return strips * winograd_products * height * panels.columns; }

  // Of the first product for a tile's channel block; the next ones follow `input_plane` apart, the next channel blocks
  // `input_block`.
  int64_t input_offset(const WinogradShape& s, int64_t tile, int64_t channel_block) const {
    return (tile / height * s.channel_blocks() + channel_block) * input_block() + tile % height * winograd_channels;
  }
  int64_t input_plane() const { return height * winograd_channels; }
  int64_t input_block() const { return winograd_products * input_plane(); }
  // Of the first product for a tile's filter; the next ones follow height * panels.width_of(panel) apart.
  int64_t output_offset(const Panels& panels, int64_t tile, int64_t filter) const {
    const int64_t panel = filter / panels.full_width();
    const int64_t column = panels.first_column(panel);
    return winograd_products * height * (tile / height * panels.columns + column) +
           tile % height * panels.width_of(panel) + filter - column;
  }
  int64_t output_plane(const Panels& panels, int64_t filter) const {
    return height * panels.width_of(filter / panels.full_width());
  }
};

// [begin, end); of a block's tiles counted from its first.
struct WinogradRange {
  int64_t begin, end;
};

}  // namespace fovea::cpu
