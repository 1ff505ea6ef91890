#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "fovea/lookup_ops.h"

// Values of a picture at places that a grid names (Jaderberg et al. 2015): x {N,H,W,C}, grid {N,H',W',2} of (column,
// row) from -1 to 1 -> y {N,H',W',C}.
namespace fovea {

struct GridSampleShape {
  int64_t batch, height, width, channels, out_positions;
  GridInterpolation method;
  GridPadding padding;
  bool align_corners;
};

namespace ref {

// -1 is the middle of the first pixel (its outer edge unless align_corners), 1 that of the last.
template <class T>
T pixel_place(T place, int64_t extent, bool align_corners) {
  const T n = static_cast<T>(extent);
  return align_corners ? (place + 1) / 2 * (n - 1) : ((place + 1) * n - 1) / 2;
}

// Mirrored at the outermost pixels' middles, or edges, as often as it takes.
template <class T>
T reflected(T at, int64_t extent, bool align_corners) {
  const T low = align_corners ? T{0} : T{-0.5};
  const T span = static_cast<T>(extent) - (align_corners ? 1 : 0);
  if (!(span > 0)) return 0;
  const T beyond = std::fmod(std::abs(at - low), 2 * span);
  return low + (beyond > span ? 2 * span - beyond : beyond);
}

// A pixel's number after padding; -1: none, zero.
template <class T>
int64_t padded_pixel(const GridSampleShape& s, T at, int64_t extent) {
  if (s.padding == GridPadding::zeros) {
    return at >= 0 && at <= static_cast<T>(extent - 1) ? static_cast<int64_t>(at) : -1;
  }
  if (s.padding == GridPadding::reflection) at = reflected(at, extent, s.align_corners);
  return static_cast<int64_t>(std::clamp(at, T{0}, static_cast<T>(extent - 1)));
}

struct GridTaps {
  std::array<int64_t, 4> pixel{};
  std::array<double, 4> weight{};
};

// Keys' cubic weights with a = -0.75, of the neighbours at -1, 0, 1, 2.
inline std::array<double, 4> grid_cubic_weights(double t) {
  constexpr double a = -0.75;
  const auto near = [](double x) { return ((a + 2) * x - (a + 3)) * x * x + 1; };
  const auto far = [](double x) { return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a; };
  return {far(t + 1), near(t), near(1 - t), far(2 - t)};
}

// The pixels of one axis that a place reads.
template <class T>
GridTaps grid_taps(const GridSampleShape& s, T place, int64_t extent) {
  GridTaps taps;
  taps.pixel.fill(-1);
  if (!(std::abs(place) < static_cast<T>(1e6))) return taps;
  T at = pixel_place(place, extent, s.align_corners);
  if (s.method != GridInterpolation::cubic && s.padding != GridPadding::zeros) {
    if (s.padding == GridPadding::reflection) at = reflected(at, extent, s.align_corners);
    at = std::clamp(at, T{0}, static_cast<T>(extent - 1));
  }
  const T below = std::floor(at);
  const auto t = static_cast<double>(at - below);
  switch (s.method) {
    case GridInterpolation::nearest:
      taps = {{padded_pixel(s, std::nearbyint(at), extent), -1, -1, -1}, {1, 0, 0, 0}};
      break;
    case GridInterpolation::linear:
      taps = {{padded_pixel(s, below, extent), padded_pixel(s, below + 1, extent), -1, -1}, {1 - t, t, 0, 0}};
      break;
    case GridInterpolation::cubic:
      taps.weight = grid_cubic_weights(t);
      for (size_t k = 0; k < 4; ++k) taps.pixel[k] = padded_pixel(s, below - 1 + static_cast<T>(k), extent);
      break;
  }
  return taps;
}

// Calls visit(offset of a pixel in x, weight) for all pixels that position `at` of the grid reads.
template <class T, class Visit>
void visit_grid(const GridSampleShape& s, int64_t n, int64_t at, const T* grid, Visit visit) {
  const T* const place = grid + (n * s.out_positions + at) * 2;
  const GridTaps columns = grid_taps(s, place[0], s.width);
  const GridTaps rows = grid_taps(s, place[1], s.height);
  for (size_t i = 0; i < 4; ++i) {
    for (size_t j = 0; j < 4; ++j) {
      const double weight = rows.weight[i] * columns.weight[j];
      if (rows.pixel[i] < 0 || columns.pixel[j] < 0 || weight == 0) continue;
      visit(((n * s.height + rows.pixel[i]) * s.width + columns.pixel[j]) * s.channels, static_cast<T>(weight));
    }
  }
}

template <class T>
void grid_sample_forward(const GridSampleShape& s, const T* x, const T* grid, T* y) {
  std::fill_n(y, s.batch * s.out_positions * s.channels, T{0});
  for (int64_t n = 0; n < s.batch; ++n) {
    for (int64_t at = 0; at < s.out_positions; ++at) {
      T* const to = y + (n * s.out_positions + at) * s.channels;
      visit_grid(s, n, at, grid, [&](int64_t offset, T weight) {
        for (int64_t c = 0; c < s.channels; ++c) to[c] += weight * x[offset + c];
      });
    }
  }
}

template <class T>
void grid_sample_backward(const GridSampleShape& s, const T* grid, const T* y_gradient, T* x_gradient) {
  std::fill_n(x_gradient, s.batch * s.height * s.width * s.channels, T{0});
  for (int64_t n = 0; n < s.batch; ++n) {
    for (int64_t at = 0; at < s.out_positions; ++at) {
      const T* const from = y_gradient + (n * s.out_positions + at) * s.channels;
      visit_grid(s, n, at, grid, [&](int64_t offset, T weight) {
        for (int64_t c = 0; c < s.channels; ++c) x_gradient[offset + c] += weight * from[c];
      });
    }
  }
}

}  // namespace ref
}  // namespace fovea
