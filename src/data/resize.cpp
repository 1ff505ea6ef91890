#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "data/convert.h"
#include "fovea/error.h"

// The algorithm of Pillow's Resample.c, whose results networks trained elsewhere expect.
namespace fovea {

namespace {

constexpr int fraction_bits = 22;  // 8 bits of sample and 22 of weight stay below 2^31
constexpr int32_t half = 1 << (fraction_bits - 1);

uint8_t to_byte(int32_t sum) { return static_cast<uint8_t>(std::clamp(sum >> fraction_bits, 0, 255)); }

double triangle(double x) { return std::max(0.0, 1.0 - std::abs(x)); }

template <int channels>
void resize_row(const uint8_t* in, uint8_t* out, int width, const ResizeAxis& axis) {
  for (int x = 0; x < width; ++x, out += channels) {
    int32_t sums[channels];
    std::fill_n(sums, channels, half);
    const uint8_t* sample = in + static_cast<size_t>(axis.first(x)) * channels;
    const int32_t* weights = axis.weights(x);
    for (int tap = 0; tap < axis.taps(x); ++tap, sample += channels) {
      for (int c = 0; c < channels; ++c) sums[c] += sample[c] * weights[tap];
    }
    for (int c = 0; c < channels; ++c) out[c] = to_byte(sums[c]);
  }
}

void reshape(Image& image, int height, int width, int channels) {
  image.height = height;
  image.width = width;
  image.channels = channels;
  image.pixels.resize(static_cast<size_t>(height) * static_cast<size_t>(width) * static_cast<size_t>(channels));
}

void resize_columns(const Image& image, int width, const ResizeAxis& axis, Image& out) {
  reshape(out, image.height, width, image.channels);
  const size_t in_row = static_cast<size_t>(image.width) * static_cast<size_t>(image.channels);
  const size_t out_row = static_cast<size_t>(width) * static_cast<size_t>(image.channels);
  const auto run = image.channels == 1 ? resize_row<1> : resize_row<3>;
  for (size_t y = 0; y < static_cast<size_t>(image.height); ++y) {
    run(image.pixels.data() + y * in_row, out.pixels.data() + y * out_row, width, axis);
  }
}

void resize_rows(const Image& image, int height, const ResizeAxis& axis, std::vector<int32_t>& sums, Image& out) {
  reshape(out, height, image.width, image.channels);
  const size_t row = static_cast<size_t>(image.width) * static_cast<size_t>(image.channels);
  sums.resize(row);
  for (int y = 0; y < height; ++y) {
    std::fill(sums.begin(), sums.end(), half);
    for (int tap = 0; tap < axis.taps(y); ++tap) {
      const uint8_t* in = image.pixels.data() + static_cast<size_t>(axis.first(y) + tap) * row;
      const int32_t weight = axis.weights(y)[tap];
      for (size_t i = 0; i < row; ++i) sums[i] += in[i] * weight;
    }
    uint8_t* to = out.pixels.data() + static_cast<size_t>(y) * row;
    for (size_t i = 0; i < row; ++i) to[i] = to_byte(sums[i]);
  }
}

}  // namespace

void ResizeAxis::prepare(int from, int to) {
  if (from == from_ && to == to_) return;
  const double scale = static_cast<double>(from) / to;
  const double support = std::max(scale, 1.0);  // half the width of the triangle, in input samples
  stride_ = static_cast<size_t>(std::ceil(support)) * 2 + 1;
  first_.resize(static_cast<size_t>(to));
  taps_.resize(static_cast<size_t>(to));
  weights_.assign(static_cast<size_t>(to) * stride_, 0);
  std::vector<double> exact(stride_);
  for (int i = 0; i < to; ++i) {
    const double center = (i + 0.5) * scale;
    const int begin = std::max(static_cast<int>(center - support + 0.5), 0);
    const int end = std::min(static_cast<int>(center + support + 0.5), from);
    double total = 0;
    for (int x = begin; x < end; ++x) {
      total += exact[static_cast<size_t>(x - begin)] = triangle((x - center + 0.5) * (1.0 / support));
    }
    int32_t* weights = weights_.data() + static_cast<size_t>(i) * stride_;
    for (int x = 0; x < end - begin; ++x) {
      weights[x] = static_cast<int32_t>(0.5 + exact[static_cast<size_t>(x)] * (1.0 / total) * (1 << fraction_bits));
    }
    first_[static_cast<size_t>(i)] = begin;
    taps_[static_cast<size_t>(i)] = end - begin;
  }
  from_ = from;
  to_ = to;
}

void Resizer::run(const Image& image, int height, int width, Image& out) {
  const int64_t between = int64_t{1} * image.height * width;
  if (height < 1 || width < 1 || int64_t{1} * height * width > max_picture_pixels || between > max_picture_pixels) {
    throw Error(ErrorKind::usage,
                fmt::format("cannot resize a picture of {}x{} to {}x{}: more than {} million pixels or "
                            "none",
                            image.height, image.width, height, width, max_picture_pixels / 1'000'000));
  }
  // A pass along an axis that keeps its extent would change nothing.
  const bool columns = width != image.width;
  const bool rows = height != image.height;
  if (!columns && !rows) {
    out = image;
    return;
  }
  if (columns) {
    columns_.prepare(image.width, width);
    resize_columns(image, width, columns_, rows ? narrowed_ : out);
  }
  if (rows) {
    rows_.prepare(image.height, height);
    resize_rows(columns ? narrowed_ : image, height, rows_, sums_, out);
  }
}

Image resize(const Image& image, int height, int width) {
  check_image(image);
  Image out;
  Resizer().run(image, height, width, out);
  return out;
}

}  // namespace fovea
