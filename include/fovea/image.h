#pragma once

#include <array>
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

// Decode a JPEG (libjpeg-turbo), PNG (libpng), WebP (libwebp), BMP or PNM (P1 to P6) picture, told apart by the first
// bytes, not by the name. Grey files give 1 channel, all others 3. Transparency is dropped (the colour under it stays),
// samples of 16 bits are scaled to 8, those of 1, 2 and 4 bits to 0..255; gamma and colour profiles are ignored.
// CMYK and YCCK JPEGs are converted to RGB without a profile, as Pillow does. The EXIF orientation of JPEG and PNG
// files is applied: the picture comes upright. `enough` > 0 asks for no more than it takes for both sides to have that
// many pixels: JPEGs much larger are decoded at 1/2, 1/4 or 1/8 of their size, which is several times faster. 0: the
// picture as it is. Throws Error(data) naming the picture and the reason when it cannot be read, is corrupt or cut
// short, is of no known format, or is too big.
Image read_image(const std::filesystem::path& path, int enough = 0);
Image decode_image(std::span<const uint8_t> bytes, std::string_view name, int enough = 0);

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

// How pixels are weighted in resizing, by the distance x from the centre of the new pixel, in pixels of the larger of
// the two pictures: shrinking is antialiased, enlarging interpolates.
enum class ResizeFilter {
  nearest,   // the nearest pixel alone, also in shrinking
  box,       // 1 for |x| <= 1/2: the average
  bilinear,  // 1 - |x| for |x| < 1
  bicubic,   // Keys's cubic with a = -1/2, for |x| < 2
};

// Resizing with the arithmetic of Pillow's Image.resize, to the bit: along rows then columns with 22-bit fixed-point
// weights rounded to 8 bits in between. Throws Error(usage) for a size that is empty or too big.
Image resize(const Image& image, int height, int width, ResizeFilter filter = ResizeFilter::bilinear);

// Extents {height, width} of a picture whose shorter side was resized to `side`, the longer to
// floor(side * longer / shorter), as torchvision's Resize does.
std::array<int, 2> shorter_side_extents(int height, int width, int side);

}  // namespace fovea
