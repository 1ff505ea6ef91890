#include <fmt/format.h>

#include <algorithm>

#include "data/codec.h"

// Netpbm's P1 to P6: bitmaps, grey maps and pixel maps, as text and as bytes.
namespace fovea {

namespace {

bool is_space(uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

class PnmReader {
 public:
  PnmReader(std::span<const uint8_t> bytes, std::string_view name) : bytes_(bytes), name_(name) {}

  Image read() {
    const int kind = bytes_[1] - '0';
    const bool text = kind <= 3;
    const bool bitmap = kind == 1 || kind == 4;
    at_ = 2;
    const uint64_t width = number("width");
    const uint64_t height = number("height");
    check_picture_size(name_, height, width);
    largest_ = bitmap ? 1 : number("largest value");
    if (largest_ < 1 || largest_ > 65535) refuse_picture(name_, fmt::format("its largest value is {}", largest_));
    Image image{.height = static_cast<int>(height),
                .width = static_cast<int>(width),
                .channels = kind == 3 || kind == 6 ? 3 : 1,
                .pixels = {}};
    const size_t samples = height * width * static_cast<size_t>(image.channels);
    if (!text) ++at_;  // one white space before the bytes
    const size_t row_bytes = bitmap ? (width + 7) / 8 : samples / height * (largest_ > 255 ? 2 : 1);
    // A text has a digit for each sample at least.
    const uint64_t needed = text ? samples : row_bytes * height;
    if (at_ > bytes_.size() || needed > bytes_.size() - at_) refuse_picture(name_, "the PNM data are cut short");
    image.pixels.resize(samples);
    if (text) {
      for (uint8_t& sample : image.pixels) sample = bitmap ? text_bit() : scaled(number("sample"));
    } else if (bitmap) {
      read_bits(image, row_bytes);
    } else {
      read_bytes(image);
    }
    return image;
  }

 private:
  void skip_spaces() {
    while (at_ < bytes_.size() && (is_space(bytes_[at_]) || bytes_[at_] == '#')) {
      if (bytes_[at_] == '#') {
        while (at_ < bytes_.size() && bytes_[at_] != '\n') ++at_;
      } else {
        ++at_;
      }
    }
  }

  uint64_t number(const char* what) {
    skip_spaces();
    uint64_t value = 0;
    const size_t begin = at_;
    for (; at_ < bytes_.size() && bytes_[at_] >= '0' && bytes_[at_] <= '9' && value < (1U << 30); ++at_) {
      value = value * 10 + (bytes_[at_] - '0');
    }
    if (at_ == begin) refuse_picture(name_, fmt::format("a PNM {} is missing at byte {}", what, at_));
    return value;
  }

  // Digits of a bitmap need no space between them; 1 is black.
  uint8_t text_bit() {
    skip_spaces();
    if (at_ >= bytes_.size() || (bytes_[at_] != '0' && bytes_[at_] != '1')) {
      refuse_picture(name_, fmt::format("a PNM sample is missing at byte {}", at_));
    }
    return bytes_[at_++] == '1' ? 0 : 255;
  }

  uint8_t scaled(uint64_t value) const {
    if (value > largest_) refuse_picture(name_, fmt::format("a sample of {} is above {}", value, largest_));
    return static_cast<uint8_t>((value * 255 + largest_ / 2) / largest_);
  }

  void read_bits(Image& image, size_t row_bytes) const {
    const auto width = static_cast<size_t>(image.width);
    for (size_t i = 0; i < image.pixels.size(); ++i) {
      const size_t x = i % width;
      const uint8_t byte = bytes_[at_ + i / width * row_bytes + x / 8];
      image.pixels[i] = (byte >> (7 - x % 8) & 1) != 0 ? 0 : 255;
    }
  }

  void read_bytes(Image& image) const {
    const uint8_t* in = bytes_.data() + at_;
    for (size_t i = 0; i < image.pixels.size(); ++i) {
      image.pixels[i] = scaled(largest_ > 255 ? uint64_t{in[2 * i]} << 8 | in[2 * i + 1] : in[i]);
    }
  }

  std::span<const uint8_t> bytes_;
  std::string_view name_;
  size_t at_ = 0;
  uint64_t largest_ = 0;
};

}  // namespace

Image decode_pnm(std::span<const uint8_t> bytes, std::string_view name) { return PnmReader(bytes, name).read(); }

}  // namespace fovea
