#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

namespace fovea {

// A picture with 8 bits per sample: rows from the top, samples of a pixel side by side {height, width, channels}.
// channels is 1 (grey) or 3 (red, green, blue; the values are those of the file, usually sRGB).
struct Image {
  int height = 0;
  int width = 0;
  int channels = 0;
  std::vector<uint8_t> pixels;

  bool operator==(const Image&) const = default;
};

// Pictures with more pixels than this, or a longer side, are refused before memory is taken for them.
inline constexpr int64_t max_picture_pixels = 64'000'000;
inline constexpr int max_picture_side = 65'535;

// Decode a JPEG (libjpeg-turbo) or PNG (libpng) picture, told apart by the first bytes, not by the name.
// Grey files give 1 channel, all others 3. Transparency is dropped (the colour under it stays), samples of 16 bits are
// scaled to 8, those of 1, 2 and 4 bits to 0..255; gamma, colour profiles and EXIF orientation are ignored.
// CMYK and YCCK JPEGs are converted to RGB without a profile, as Pillow does.
// Throws Error(data) naming the picture and the reason when it cannot be read, is corrupt or cut short, is neither
// JPEG nor PNG, or is too big.
Image read_image(const std::filesystem::path& path);
Image decode_image(std::span<const uint8_t> bytes, std::string_view name);

// Writes an 8-bit grey or RGB PNG. The file appears whole or not at all (temporary file, then rename).
// Throws Error(data) when it cannot be written, Error(usage) when the image is empty or inconsistent.
void write_png(const std::filesystem::path& path, const Image& image);
// The same as a JPEG. Throws Error(usage) also for a quality out of 1..100.
void write_jpeg(const std::filesystem::path& path, const Image& image, int quality = 95);
// The one of the two that the name ends in: .png, .jpg or .jpeg, in any case. Throws Error(usage) for another ending.
void write_image(const std::filesystem::path& path, const Image& image);

// The picture with 1 or 3 channels. Grey is the luma of ITU-R BT.601 in 16-bit fixed point,
// (19595 R + 38470 G + 7471 B + 32768) >> 16; colour from grey repeats the value. Throws Error(usage) for other counts.
Image to_channels(const Image& image, int channels);

// Bilinear resizing with antialiasing, the arithmetic of Pillow's Image.resize(BILINEAR): a triangle filter, widened by
// the scale when shrinking, applied along rows then columns with 22-bit fixed-point weights rounded to 8 bits in
// between. Throws Error(usage) for a size that is empty or too big.
Image resize(const Image& image, int height, int width);

}  // namespace fovea
