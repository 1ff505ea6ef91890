#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "fovea/image_ops.h"

// The arithmetic of Pillow's Blend.c, Convert.c, ImageEnhance and ImageOps.
namespace fovea {

namespace {

uint8_t grey_of(const uint8_t* pixel, int channels) {
  if (channels == 1) return pixel[0];
  return static_cast<uint8_t>((19595 * pixel[0] + 38470 * pixel[1] + 7471 * pixel[2] + 32768) >> 16);
}

// from + factor (to - from), cut off.
uint8_t blend(int from, int to, float factor) {
  return static_cast<uint8_t>(
      std::clamp(static_cast<float>(from) + factor * static_cast<float>(to - from), 0.0F, 255.0F));
}

using Table = std::array<uint8_t, 256>;

template <class Function>
void map_samples(Image& image, const Function& function) {
  Table table{};
  for (size_t i = 0; i < table.size(); ++i) table[i] = function(static_cast<int>(i));
  for (uint8_t& sample : image.pixels) sample = table[sample];
}

// Each channel through a table of its own, made from the channel's histogram.
template <class MakeTable>
void map_channels(Image& image, const MakeTable& make_table) {
  const auto channels = static_cast<size_t>(image.channels);
  for (size_t c = 0; c < channels; ++c) {
    std::array<int64_t, 256> histogram{};
    for (size_t i = c; i < image.pixels.size(); i += channels) ++histogram[image.pixels[i]];
    const Table table = make_table(histogram);
    for (size_t i = c; i < image.pixels.size(); i += channels) image.pixels[i] = table[image.pixels[i]];
  }
}

Table identity() {
  Table table{};
  for (size_t i = 0; i < table.size(); ++i) table[i] = static_cast<uint8_t>(i);
  return table;
}

Table stretching(const std::array<int64_t, 256>& histogram) {
  const auto filled = [](int64_t count) { return count > 0; };
  const auto low = std::find_if(histogram.begin(), histogram.end(), filled) - histogram.begin();
  const auto high = 255 - (std::find_if(histogram.rbegin(), histogram.rend(), filled) - histogram.rbegin());
  Table table = identity();
  if (high <= low) return table;
  const double scale = 255.0 / static_cast<double>(high - low);
  const double offset = -static_cast<double>(low) * scale;
  for (size_t i = 0; i < table.size(); ++i) {
    table[i] = static_cast<uint8_t>(std::clamp(static_cast<int>(static_cast<double>(i) * scale + offset), 0, 255));
  }
  return table;
}

Table evening(const std::array<int64_t, 256>& histogram) {
  int64_t total = 0;
  int64_t last = 0;  // the count of the brightest level there is
  int64_t levels = 0;
  for (const int64_t count : histogram) {
    total += count;
    if (count > 0) last = count;
    levels += static_cast<int64_t>(count > 0);
  }
  Table table = identity();
  const int64_t step = (total - last) / 255;
  if (levels <= 1 || step == 0) return table;
  int64_t below = step / 2;
  for (size_t i = 0; i < table.size(); ++i) {
    table[i] = static_cast<uint8_t>(std::min<int64_t>(below / step, 255));
    below += histogram[i];
  }
  return table;
}

struct Hsv {
  uint8_t hue, saturation, value;
};

Hsv to_hsv(const uint8_t* pixel) {
  const uint8_t r = pixel[0];
  const uint8_t g = pixel[1];
  const uint8_t b = pixel[2];
  const uint8_t largest = std::max({r, g, b});
  const uint8_t smallest = std::min({r, g, b});
  if (largest == smallest) return {0, 0, largest};
  const auto spread = static_cast<float>(largest - smallest);
  const float rc = static_cast<float>(largest - r) / spread;
  const float gc = static_cast<float>(largest - g) / spread;
  const float bc = static_cast<float>(largest - b) / spread;
  // Rounded to float where Pillow stores it, since cutting off to 8 bits follows.
  const double sixths = r == largest   ? static_cast<double>(bc - gc)
                        : g == largest ? 2.0 + static_cast<double>(rc) - static_cast<double>(bc)
                                       : 4.0 + static_cast<double>(gc) - static_cast<double>(rc);
  const double turn = static_cast<double>(static_cast<float>(sixths)) / 6.0 + 1.0;
  const auto hue = static_cast<double>(static_cast<float>(std::fmod(turn, 1.0)));
  const auto saturation = static_cast<double>(spread / static_cast<float>(largest));
  return {static_cast<uint8_t>(hue * 255.0), static_cast<uint8_t>(saturation * 255.0), largest};
}

void to_rgb(const Hsv& hsv, uint8_t* pixel) {
  const uint8_t v = hsv.value;
  if (hsv.saturation == 0) {
    std::fill_n(pixel, 3, v);
    return;
  }
  const double sixths = hsv.hue * 6.0 / 255.0;
  const double sector = std::floor(sixths);
  const double f = sixths - sector;
  const double s = hsv.saturation / 255.0;
  const auto level = [v](double share) { return static_cast<uint8_t>(std::clamp(std::round(v * share), 0.0, 255.0)); };
  const uint8_t p = level(1 - s);
  const uint8_t q = level(1 - s * f);
  const uint8_t t = level(1 - s * (1 - f));
  const std::array<std::array<uint8_t, 3>, 6> sectors = {
      {{v, t, p}, {q, v, p}, {p, v, t}, {p, q, v}, {t, p, v}, {v, p, q}}};
  std::copy_n(sectors[static_cast<size_t>(sector) % 6].begin(), 3, pixel);
}

}  // namespace

void adjust_brightness(Image& image, double factor) {
  map_samples(image, [f = static_cast<float>(factor)](int value) { return blend(0, value, f); });
}

void adjust_contrast(Image& image, double factor) {
  int64_t sum = 0;
  for (size_t i = 0; i < image.pixels.size(); i += static_cast<size_t>(image.channels)) {
    sum += grey_of(image.pixels.data() + i, image.channels);
  }
  const auto count = static_cast<double>(int64_t{image.height} * image.width);
  const int mean = static_cast<int>(static_cast<double>(sum) / count + 0.5);
  map_samples(image, [mean, f = static_cast<float>(factor)](int value) { return blend(mean, value, f); });
}

void adjust_saturation(Image& image, double factor) {
  if (image.channels == 1) return;
  for (size_t i = 0; i < image.pixels.size(); i += 3) {
    uint8_t* pixel = image.pixels.data() + i;
    const uint8_t grey = grey_of(pixel, 3);
    for (int c = 0; c < 3; ++c) pixel[c] = blend(grey, pixel[c], static_cast<float>(factor));
  }
}

void adjust_hue(Image& image, double turns) {
  if (image.channels == 1) return;
  const auto shift = static_cast<int>(turns * 255);
  for (size_t i = 0; i < image.pixels.size(); i += 3) {
    Hsv hsv = to_hsv(image.pixels.data() + i);
    hsv.hue = static_cast<uint8_t>(hsv.hue + shift);
    to_rgb(hsv, image.pixels.data() + i);
  }
}

void make_grey(Image& image) {
  if (image.channels == 1) return;
  for (size_t i = 0; i < image.pixels.size(); i += 3) {
    std::fill_n(image.pixels.data() + i, 3, grey_of(image.pixels.data() + i, 3));
  }
}

void invert(Image& image) {
  for (uint8_t& sample : image.pixels) sample = static_cast<uint8_t>(255 - sample);
}

void posterize(Image& image, int bits) {
  const auto mask = static_cast<uint8_t>(0xFF00U >> std::clamp(bits, 0, 8));
  for (uint8_t& sample : image.pixels) sample &= mask;
}

void solarize(Image& image, int threshold) {
  map_samples(image, [=](int value) { return static_cast<uint8_t>(value < threshold ? value : 255 - value); });
}

void auto_contrast(Image& image) { map_channels(image, stretching); }

void equalize(Image& image) { map_channels(image, evening); }

}  // namespace fovea
