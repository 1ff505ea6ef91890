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

// One output row from the rows `row_of(first) ...` above each other; `sums` has as many elements as a row.
template <class RowOf>
void blend_rows(const ResizeAxis& axis, int y, const RowOf& row_of, std::vector<int32_t>& sums, uint8_t* out) {
  std::fill(sums.begin(), sums.end(), half);
  for (int tap = 0; tap < axis.taps(y); ++tap) {
    const uint8_t* in = row_of(axis.first(y) + tap);
    const int32_t weight = axis.weights(y)[tap];
    for (size_t i = 0; i < sums.size(); ++i) sums[i] += in[i] * weight;
  }
  for (size_t i = 0; i < sums.size(); ++i) out[i] = to_byte(sums[i]);
}

void check_size(int height, int width) {
  const int longest = std::max(height, width);
  if (std::min(height, width) >= 1 && longest <= max_picture_side && int64_t{height} * width <= max_picture_pixels)
    return;
  throw Error(ErrorKind::usage, fmt::format("cannot resize a picture to {}x{}: it may have 1 to {} million pixels and "
                                            "sides of up to {}",
                                            height, width, max_picture_pixels / 1'000'000, max_picture_side));
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
  check_size(height, width);
  const auto channels = static_cast<size_t>(image.channels);
  const size_t in_row = static_cast<size_t>(image.width) * channels;
  const size_t out_row = static_cast<size_t>(width) * channels;
  out.height = height;
  out.width = width;
  out.channels = image.channels;
  out.pixels.resize(static_cast<size_t>(height) * out_row);
  columns_.prepare(image.width, width);
  rows_.prepare(image.height, height);

  // Rows of the final width, made when first needed; the last few are kept, as many as an output row can need.
  const size_t kept = std::min(static_cast<size_t>(image.height), rows_.max_taps());
  narrowed_.resize(kept * out_row);
  sums_.resize(out_row);
  const auto narrowed_row = [&](int y) { return narrowed_.data() + static_cast<size_t>(y) % kept * out_row; };
  const auto narrow = image.channels == 1 ? resize_row<1> : resize_row<3>;
  int made = 0;
  for (int y = 0; y < height; ++y) {
    for (; made < rows_.first(y) + rows_.taps(y); ++made) {
      narrow(image.pixels.data() + static_cast<size_t>(made) * in_row, narrowed_row(made), width, columns_);
    }
    blend_rows(rows_, y, narrowed_row, sums_, out.pixels.data() + static_cast<size_t>(y) * out_row);
  }
}

Image resize(const Image& image, int height, int width) {
  check_image(image);
  Image out;
  Resizer().run(image, height, width, out);
  return out;
}

}  // namespace fovea
