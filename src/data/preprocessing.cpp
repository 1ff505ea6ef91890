#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "data/convert.h"
#include "fovea/data.h"
#include "fovea/error.h"

namespace fovea {

namespace {

constexpr size_t levels = 256;

void check(const Preprocessing& p) {
  const auto refuse = [](const std::string& why) { throw Error(ErrorKind::usage, "preprocessing: " + why); };
  if (p.channels != 1 && p.channels != 3) refuse(fmt::format("channels must be 1 or 3, got {}", p.channels));
  if (p.height < 1 || p.width < 1 || std::max(p.height, p.width) > max_picture_side ||
      int64_t{p.height} * p.width > max_picture_pixels) {
    refuse(fmt::format("the size must be 1 to {} pixels and no side above {}, got {}x{}", max_picture_pixels,
                       max_picture_side, p.height, p.width));
  }
  if (p.padding < 0 || p.padding >= (std::min(p.height, p.width) + 1) / 2) {
    refuse(fmt::format("padding {} leaves no picture within {}x{}", p.padding, p.height, p.width));
  }
  const int largest = std::max(p.height, p.width) - 2 * p.padding;
  if (p.shorter_side != 0 && (p.shorter_side < largest || p.shorter_side > max_picture_side)) {
    refuse(fmt::format("the shorter side must be resized to {} to {} pixels, to cut {}x{} out, got {}", largest,
                       max_picture_side, p.height - 2 * p.padding, p.width - 2 * p.padding, p.shorter_side));
  }
  const auto check_values = [&](const char* name, const std::vector<float>& values) {
    if (values.size() != static_cast<size_t>(p.channels)) {
      refuse(fmt::format("{} needs one value per channel, {}, got {}", name, p.channels, values.size()));
    }
    for (const float value : values) {
      if (!std::isfinite(value)) refuse(fmt::format("{} must be finite, got {}", name, value));
    }
  };
  check_values("mean", p.mean);
  check_values("std", p.std);
  for (const float value : p.std) {
    if (value <= 0) refuse(fmt::format("std must be above 0, got {}", value));
  }
}

template <int channels>
float* look_up_row(const uint8_t* pixels, int width, const float* table, float* out) {
  for (int x = 0; x < width; ++x, pixels += channels, out += channels) {
    for (int c = 0; c < channels; ++c) out[c] = table[static_cast<size_t>(c) * levels + pixels[c]];
  }
  return out;
}

// `count` black pixels.
float* fill_black(int64_t count, int channels, const float* table, float* out) {
  for (int64_t i = 0; i < count; ++i) {
    for (int c = 0; c < channels; ++c) *out++ = table[static_cast<size_t>(c) * levels];
  }
  return out;
}

}  // namespace

struct Preprocessor::Scratch {
  Image converted;
  Image resized;
  Resizer resizer;
};

Preprocessor::Preprocessor(const Preprocessing& settings) : settings_(settings), scratch_(new Scratch) {
  check(settings);
  table_.resize(static_cast<size_t>(settings.channels) * levels);
  for (size_t i = 0; i < table_.size(); ++i) {
    const auto value = static_cast<float>(i % levels) / 255.0F;
    table_[i] = (value - settings.mean[i / levels]) / settings.std[i / levels];
  }
}

Preprocessor::~Preprocessor() = default;
Preprocessor::Preprocessor(Preprocessor&&) noexcept = default;
Preprocessor& Preprocessor::operator=(Preprocessor&&) noexcept = default;

// The picture in the network's channels and size, without the padding.
const Image& Preprocessor::fit(const Image& image) {
  const Preprocessing& p = settings_;
  const int height = p.height - 2 * p.padding;
  const int width = p.width - 2 * p.padding;
  const Image* picture = &image;
  if (picture->channels != p.channels) {
    convert_channels(*picture, p.channels, scratch_->converted);
    picture = &scratch_->converted;
  }
  if (picture->height == height && picture->width == width) return *picture;
  if (p.shorter_side == 0) {
    scratch_->resizer.run(*picture, height, width, p.filter, scratch_->resized);
  } else {
    const auto [tall, wide] = shorter_side_extents(picture->height, picture->width, p.shorter_side);
    scratch_->resizer.run(*picture, tall, wide, p.filter, center_region(tall, wide, height, width), scratch_->resized);
  }
  return scratch_->resized;
}

void Preprocessor::run(const Image& image, float* out) {
  check_image(image);
  const int channels = settings_.channels;
  const int padding = settings_.padding;
  const int full_width = settings_.width;
  const Image& picture = fit(image);
  const float* table = table_.data();
  const auto look_up = channels == 1 ? look_up_row<1> : look_up_row<3>;
  const size_t row = static_cast<size_t>(picture.width) * static_cast<size_t>(channels);
  out = fill_black(int64_t{padding} * full_width, channels, table, out);
  for (size_t y = 0; y < static_cast<size_t>(picture.height); ++y) {
    out = fill_black(padding, channels, table, out);
    out = look_up(picture.pixels.data() + y * row, picture.width, table, out);
    out = fill_black(padding, channels, table, out);
  }
  fill_black(int64_t{padding} * full_width, channels, table, out);
}

Tensor preprocess(const Image& image, const Preprocessing& settings) {
  Preprocessor preprocessor(settings);
  Tensor tensor(Shape{1, settings.height, settings.width, settings.channels});
  preprocessor.run(image, tensor.data());
  return tensor;
}

}  // namespace fovea
