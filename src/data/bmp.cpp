#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>

#include "data/byte_reader.h"
#include "data/codec.h"

// Windows bitmaps: palettes of 1, 4 and 8 bits and colours of 16, 24 and 32 bits, not compressed.
namespace fovea {

namespace {

constexpr size_t file_header = 14;  // bytes

enum Compression : uint32_t { none = 0, bit_fields = 3, alpha_bit_fields = 6 };

// A colour within the bits of a pixel.
struct Field {
  uint32_t mask = 0;

  uint8_t value(uint32_t pixel) const {
    if (mask == 0) return 0;
    const uint64_t largest = mask >> std::countr_zero(mask);
    const uint64_t raw = (pixel & mask) >> std::countr_zero(mask);
    return static_cast<uint8_t>((raw * 255 + largest / 2) / largest);
  }
};

class BmpReader {
 public:
  BmpReader(std::span<const uint8_t> bytes, std::string_view name) : bytes_(bytes), name_(name), in_(bytes, false) {}

  Image read() {
    read_header();
    check_picture_size(name_, height_, width_);
    row_bytes_ = (width_ * bits_ + 31) / 32 * 4;
    if (!in_.holds(pixels_at_, row_bytes_ * height_)) refuse_picture(name_, "the BMP data are cut short");
    bits_ <= 8 ? read_palette() : read_fields();
    Image image{.height = static_cast<int>(height_),
                .width = static_cast<int>(width_),
                .channels = grey_ ? 1 : 3,
                .pixels = {}};
    image.pixels.resize(height_ * width_ * static_cast<size_t>(image.channels));
    uint8_t* out = image.pixels.data();
    for (size_t y = 0; y < height_; ++y) {
      const size_t row = pixels_at_ + row_bytes_ * (top_down_ ? y : height_ - 1 - y);
      for (size_t x = 0; x < width_; ++x, out += image.channels) put(pixel(row, x), out);
    }
    return image;
  }

 private:
  void read_header() {
    const uint32_t size = in_.u32(file_header);
    const bool old = size == 12;  // of OS/2
    if (!old && (size < 40 || size > 124)) refuse_picture(name_, fmt::format("its BMP header has {} bytes", size));
    if (!in_.holds(file_header, size)) refuse_picture(name_, "the BMP header is cut short");
    const int64_t height = old ? in_.u16(file_header + 6) : in_.i32(file_header + 8);
    const int64_t width = old ? in_.u16(file_header + 4) : in_.i32(file_header + 4);
    top_down_ = height < 0;
    height_ = static_cast<size_t>(std::abs(height));
    width_ = static_cast<size_t>(std::max<int64_t>(width, 0));
    bits_ = in_.u16(file_header + (old ? 10 : 14));
    compression_ = old ? Compression::none : in_.u32(file_header + 16);
    const bool fields = compression_ == bit_fields || compression_ == alpha_bit_fields;
    const bool known = bits_ == 1 || bits_ == 4 || bits_ == 8 || bits_ == 16 || bits_ == 24 || bits_ == 32;
    if (!known || (compression_ != none && !(fields && bits_ >= 16 && bits_ != 24))) {
      refuse_picture(name_, fmt::format("BMP of {} bits with compression {} cannot be read", bits_, compression_));
    }
    pixels_at_ = in_.u32(10);
    header_end_ = file_header + size;
    palette_entry_ = old ? 3 : 4;
    // Masks follow a header of 40 bytes, and are part of the longer ones at the same place.
    if (fields) masks_at_ = file_header + 40;
    const uint32_t used = old ? 0 : in_.u32(file_header + 32);
    palette_size_ = used == 0 || used > 256 ? size_t{1} << std::min<size_t>(bits_, 8) : used;
  }

  void read_palette() {
    if (!in_.holds(header_end_, palette_size_ * palette_entry_)) refuse_picture(name_, "the BMP palette is cut short");
    grey_ = true;
    for (size_t i = 0; i < palette_size_; ++i) {
      const uint8_t* entry = bytes_.data() + header_end_ + i * palette_entry_;
      palette_[i] = {entry[2], entry[1], entry[0]};
      grey_ = grey_ && entry[0] == entry[1] && entry[1] == entry[2];
    }
  }

  void read_fields() {
    if (masks_at_ != 0) {
      for (size_t c = 0; c < 3; ++c) fields_[c].mask = in_.u32(masks_at_ + 4 * c);
    } else if (bits_ == 16) {
      fields_ = {Field{0x7C00}, Field{0x03E0}, Field{0x001F}};
    } else {
      fields_ = {Field{0xFF0000}, Field{0xFF00}, Field{0xFF}};
    }
  }

  uint32_t pixel(size_t row, size_t x) const {
    switch (bits_) {
      case 16:
        return in_.u16(row + 2 * x);
      case 24:
        return bytes_[row + 3 * x] | bytes_[row + 3 * x + 1] << 8 | bytes_[row + 3 * x + 2] << 16;
      case 32:
        return in_.u32(row + 4 * x);
      default: {
        const size_t per_byte = 8 / bits_;
        const size_t shift = 8 - bits_ * (x % per_byte + 1);
        return (uint32_t{bytes_[row + x / per_byte]} >> shift) & ((1U << bits_) - 1);
      }
    }
  }

  void put(uint32_t pixel, uint8_t* out) const {
    if (bits_ > 8) {
      for (size_t c = 0; c < 3; ++c) out[c] = fields_[c].value(pixel);
      return;
    }
    if (pixel >= palette_size_) refuse_picture(name_, fmt::format("colour {} is not in its palette", pixel));
    std::copy_n(palette_[pixel].begin(), grey_ ? 1 : 3, out);
  }

  std::span<const uint8_t> bytes_;
  std::string_view name_;
  ByteReader in_;
  size_t height_ = 0, width_ = 0, bits_ = 0, row_bytes_ = 0;
  bool top_down_ = false;
  uint32_t compression_ = none;
  size_t pixels_at_ = 0, header_end_ = 0, masks_at_ = 0;
  size_t palette_entry_ = 4, palette_size_ = 0;
  std::array<std::array<uint8_t, 3>, 256> palette_{};
  bool grey_ = false;  // every colour of the palette is
  std::array<Field, 3> fields_{};
};

}  // namespace

Image decode_bmp(std::span<const uint8_t> bytes, std::string_view name) { return BmpReader(bytes, name).read(); }

}  // namespace fovea
