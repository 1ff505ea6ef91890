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

double box(double x) { return x > -0.5 && x <= 0.5 ? 1.0 : 0.0; }

double triangle(double x) { return std::max(0.0, 1.0 - std::abs(x)); }

double cubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0.0;
}

struct Kernel {
  double (*weight)(double x);
  double support;  // it is zero beyond
};

Kernel kernel_of(ResizeFilter filter) {
  switch (filter) {
    case ResizeFilter::box:
      return {box, 0.5};
    case ResizeFilter::bicubic:
      return {cubic, 2};
    default:
      return {triangle, 1};
  }
}

int32_t to_fixed(double weight) {
  return static_cast<int32_t>(weight * (1 << fraction_bits) + (weight < 0 ? -0.5 : 0.5));
}

// Columns [begin, end) of the output.
template <int channels>
void resize_row(const uint8_t* in, uint8_t* out, int begin, int end, const ResizeAxis& axis) {
  for (int x = begin; x < end; ++x, out += channels) {
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

void ResizeAxis::prepare(int from, int to, ResizeFilter filter) {
  if (from == from_ && to == to_ && filter == filter_) return;
  from_ = from;
  to_ = to;
  filter_ = filter;
  first_.resize(static_cast<size_t>(to));
  taps_.resize(static_cast<size_t>(to));
  filter == ResizeFilter::nearest ? prepare_nearest() : prepare_weighted();
}

void ResizeAxis::prepare_nearest() {
  stride_ = 1;
  weights_.assign(static_cast<size_t>(to_), 1 << fraction_bits);
  std::fill(taps_.begin(), taps_.end(), 1);
  const double scale = static_cast<double>(from_) / to_;
  double place = scale * 0.5;
  for (int& first : first_) {
    first = std::min(static_cast<int>(place), from_ - 1);
    place += scale;  // summed up, as Pillow does, since rounding may decide between two pixels
  }
}

void ResizeAxis::prepare_weighted() {
  const Kernel kernel = kernel_of(filter_);
  const double scale = static_cast<double>(from_) / to_;
  const double stretch = std::max(scale, 1.0);
  const double support = kernel.support * stretch;  // in input samples
  stride_ = static_cast<size_t>(std::ceil(support)) * 2 + 1;
  weights_.assign(static_cast<size_t>(to_) * stride_, 0);
  std::vector<double> exact(stride_);
  for (int i = 0; i < to_; ++i) {
    const double center = (i + 0.5) * scale;
    const int begin = std::max(static_cast<int>(center - support + 0.5), 0);
    const int end = std::min(static_cast<int>(center + support + 0.5), from_);
    double total = 0;
    for (int x = begin; x < end; ++x) {
      total += exact[static_cast<size_t>(x - begin)] = kernel.weight((x - center + 0.5) * (1.0 / stretch));
    }
    int32_t* weights = weights_.data() + static_cast<size_t>(i) * stride_;
    for (int x = 0; x < end - begin; ++x) weights[x] = to_fixed(exact[static_cast<size_t>(x)] * (1.0 / total));
    first_[static_cast<size_t>(i)] = begin;
    taps_[static_cast<size_t>(i)] = end - begin;
  }
}

Region center_region(int height, int width, int window_height, int window_width) {
  const auto start = [](int whole, int part) { return static_cast<int>(std::nearbyint((whole - part) / 2.0)); };
  return {start(height, window_height), start(width, window_width), window_height, window_width};
}

void Resizer::run(const Image& image, int height, int width, ResizeFilter filter, Image& out) {
  run(image, height, width, filter, {0, 0, height, width}, out);
}

void Resizer::run(const Image& image, int height, int width, ResizeFilter filter, const Region& part, Image& out) {
  check_size(height, width);
  const auto channels = static_cast<size_t>(image.channels);
  const size_t in_row = static_cast<size_t>(image.width) * channels;
  const size_t out_row = static_cast<size_t>(part.width) * channels;
  out.height = part.height;
  out.width = part.width;
  out.channels = image.channels;
  out.pixels.resize(static_cast<size_t>(part.height) * out_row);
  columns_.prepare(image.width, width, filter);
  rows_.prepare(image.height, height, filter);

  // Rows of the final width, made when first needed; the last few are kept, as many as an output row can need.
  const size_t kept = std::min(static_cast<size_t>(image.height), rows_.max_taps());
  narrowed_.resize(kept * out_row);
  sums_.resize(out_row);
  const auto narrowed_row = [&](int y) { return narrowed_.data() + static_cast<size_t>(y) % kept * out_row; };
  const auto narrow = image.channels == 1 ? resize_row<1> : resize_row<3>;
  int made = rows_.first(part.top);
  for (int y = 0; y < part.height; ++y) {
    const int row = part.top + y;
    for (made = std::max(made, rows_.first(row)); made < rows_.first(row) + rows_.taps(row); ++made) {
      narrow(image.pixels.data() + static_cast<size_t>(made) * in_row, narrowed_row(made), part.left,
             part.left + part.width, columns_);
    }
    blend_rows(rows_, row, narrowed_row, sums_, out.pixels.data() + static_cast<size_t>(y) * out_row);
  }
}

Image resize(const Image& image, int height, int width, ResizeFilter filter) {
  check_image(image);
  Image out;
  Resizer().run(image, height, width, filter, out);
  return out;
}

std::array<int, 2> shorter_side_extents(int height, int width, int side) {
  const auto longer = [&](int shorter_now, int longer_now) {
    return static_cast<int>(std::min<int64_t>(int64_t{side} * longer_now / shorter_now, max_picture_side + 1));
  };
  return height <= width ? std::array{side, longer(height, width)} : std::array{longer(width, height), side};
}

}  // namespace fovea
