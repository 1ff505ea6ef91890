#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

#include "fovea/error.h"
#include "fovea/image_ops.h"

// The arithmetic of Pillow's Geometry.c, whose results networks trained elsewhere expect.
namespace fovea {

namespace {

void shape_like(const Image& in, Image& out) {
  out.height = in.height;
  out.width = in.width;
  out.channels = in.channels;
  out.pixels.resize(in.pixels.size());
}

// Samples `in` at (x, y), in coordinates in which pixel (i, j) covers [i, i+1) x [j, j+1), into `out`.
template <int channels>
void sample_nearest(const Image& in, double x, double y, uint8_t* out) {
  if (!(x >= 0 && x < in.width && y >= 0 && y < in.height)) {
    std::fill_n(out, channels, uint8_t{0});
    return;
  }
  const size_t pixel = static_cast<size_t>(y) * static_cast<size_t>(in.width) + static_cast<size_t>(x);
  std::copy_n(in.pixels.data() + pixel * channels, channels, out);
}

template <int channels>
void sample_bilinear(const Image& in, double x, double y, uint8_t* out) {
  if (!(x >= 0 && x < in.width && y >= 0 && y < in.height)) {
    std::fill_n(out, channels, uint8_t{0});
    return;
  }
  x -= 0.5;
  y -= 0.5;
  const int left = static_cast<int>(std::floor(x));
  const int top = static_cast<int>(std::floor(y));
  const double dx = x - left;
  const double dy = y - top;
  const auto pixel = [&](int row, int column) {
    row = std::clamp(row, 0, in.height - 1);
    column = std::clamp(column, 0, in.width - 1);
    return in.pixels.data() +
           (static_cast<size_t>(row) * static_cast<size_t>(in.width) + static_cast<size_t>(column)) * channels;
  };
  const uint8_t* corners[4] = {pixel(top, left), pixel(top, left + 1), pixel(top + 1, left), pixel(top + 1, left + 1)};
  for (int c = 0; c < channels; ++c) {
    const double above = corners[0][c] + (corners[1][c] - corners[0][c]) * dx;
    const double below = corners[2][c] + (corners[3][c] - corners[2][c]) * dx;
    out[c] = static_cast<uint8_t>(above + (below - above) * dy);
  }
}

// out(x, y) = in(map(x, y)) for every pixel, map giving the sampling point.
template <class Map>
void warp(const Image& in, Sampling sampling, Image& out, const Map& map) {
  shape_like(in, out);
  const auto run = [&](auto sample, size_t channels) {
    uint8_t* pixel = out.pixels.data();
    for (int y = 0; y < out.height; ++y) {
      for (int x = 0; x < out.width; ++x, pixel += channels) {
        const auto [from_x, from_y] = map(x, y);
        sample(in, from_x, from_y, pixel);
      }
    }
  };
  if (in.channels == 1) {
    sampling == Sampling::nearest ? run(sample_nearest<1>, 1) : run(sample_bilinear<1>, 1);
  } else {
    sampling == Sampling::nearest ? run(sample_nearest<3>, 3) : run(sample_bilinear<3>, 3);
  }
}

using Point = std::pair<double, double>;

// Sampling the nearest pixel, rounding decides: Pillow counts in units of 2^-16.
Point fixed_point(const AffineMatrix& m, int x, int y) {
  const auto fixed = [](double value) { return static_cast<int64_t>(std::floor(value * 65536 + 0.5)); };
  const int64_t from_x = fixed(m[2] + m[0] * 0.5 + m[1] * 0.5) + x * fixed(m[0]) + y * fixed(m[1]);
  const int64_t from_y = fixed(m[5] + m[3] * 0.5 + m[4] * 0.5) + x * fixed(m[3]) + y * fixed(m[4]);
  return {static_cast<double>(from_x) / 65536, static_cast<double>(from_y) / 65536};
}

// Where an axis that is only scaled and moved is sampled, summed up as Pillow does.
std::vector<double> sampling_points(double scale, double offset, int count) {
  std::vector<double> points;
  double point = offset + scale * 0.5;
  for (int i = 0; i < count; ++i, point += scale) points.push_back(point);
  return points;
}

// Solves the n x n equations a x = b by elimination with pivoting; false when they have no single solution.
template <size_t n>
bool solve(std::array<std::array<double, n + 1>, n> rows, std::array<double, n>& x) {
  for (size_t i = 0; i < n; ++i) {
    size_t pivot = i;
    for (size_t r = i + 1; r < n; ++r) {
      if (std::abs(rows[r][i]) > std::abs(rows[pivot][i])) pivot = r;
    }
    if (!(std::abs(rows[pivot][i]) > 1e-9)) return false;
    std::swap(rows[i], rows[pivot]);
    for (size_t r = 0; r < n; ++r) {
      if (r == i) continue;
      const double factor = rows[r][i] / rows[i][i];
      for (size_t c = i; c <= n; ++c) rows[r][c] -= factor * rows[i][c];
    }
  }
  for (size_t i = 0; i < n; ++i) x[i] = rows[i][n] / rows[i][i];
  return true;
}

}  // namespace

void warp_affine(const Image& in, const AffineMatrix& matrix, Sampling sampling, Image& out) {
  const AffineMatrix& m = matrix;
  if (sampling == Sampling::nearest && m[1] == 0 && m[3] == 0) {
    const std::vector<double> columns = sampling_points(m[0], m[2], in.width);
    const std::vector<double> rows = sampling_points(m[4], m[5], in.height);
    warp(in, sampling, out, [&](int x, int y) -> Point {
      return {columns[static_cast<size_t>(x)], rows[static_cast<size_t>(y)]};
    });
    return;
  }
  if (sampling == Sampling::nearest) {
    warp(in, sampling, out, [&](int x, int y) { return fixed_point(m, x, y); });
    return;
  }
  warp(in, sampling, out, [&](int x, int y) -> Point {
    return {m[0] * (x + 0.5) + m[1] * (y + 0.5) + m[2], m[3] * (x + 0.5) + m[4] * (y + 0.5) + m[5]};
  });
}

AffineMatrix affine_matrix(const AffineMotion& motion, int height, int width) {
  const double steepest = std::max(std::abs(motion.shear_x), std::abs(motion.shear_y));
  if (!(motion.scale > 0) || !(steepest < 90)) {
    throw Error(ErrorKind::usage,
                fmt::format("an affine motion has a scale above 0 and shears below 90 degrees, got {} "
                            "and {}",
                            motion.scale, steepest));
  }
  constexpr double radian = std::numbers::pi / 180;
  const double turn = motion.degrees * radian;
  const double shear_x = motion.shear_x * radian;
  const double shear_y = motion.shear_y * radian;
  // The turn and shears, [[a, b], [c, d]], whose determinant is 1.
  const double a = std::cos(turn - shear_y) / std::cos(shear_y);
  const double b = -std::cos(turn - shear_y) * std::tan(shear_x) / std::cos(shear_y) - std::sin(turn);
  const double c = std::sin(turn - shear_y) / std::cos(shear_y);
  const double d = -std::sin(turn - shear_y) * std::tan(shear_x) / std::cos(shear_y) + std::cos(turn);
  const double scale = motion.scale;
  AffineMatrix m = {d / scale, -b / scale, 0, -c / scale, a / scale, 0};
  const double center_x = width * 0.5;
  const double center_y = height * 0.5;
  m[2] = m[0] * (-center_x - motion.right) + m[1] * (-center_y - motion.down) + center_x;
  m[5] = m[3] * (-center_x - motion.right) + m[4] * (-center_y - motion.down) + center_y;
  return m;
}

void warp_perspective(const Image& in, const Corners& corners, Sampling sampling, Image& out) {
  const double right = in.width - 1;
  const double bottom = in.height - 1;
  const Corners start = {{{0, 0}, {right, 0}, {right, bottom}, {0, bottom}}};
  // start = (m0 x + m1 y + m2, m3 x + m4 y + m5) / (m6 x + m7 y + 1) at the four corners (x, y).
  std::array<std::array<double, 9>, 8> rows{};
  for (size_t i = 0; i < 4; ++i) {
    const auto [x, y] = corners[i];
    const auto [to_x, to_y] = start[i];
    rows[2 * i] = {x, y, 1, 0, 0, 0, -to_x * x, -to_x * y, to_x};
    rows[2 * i + 1] = {0, 0, 0, x, y, 1, -to_y * x, -to_y * y, to_y};
  }
  std::array<double, 8> m{};
  if (!solve<8>(rows, m)) throw Error(ErrorKind::usage, "no perspective moves the corners like that");
  warp(in, sampling, out, [&](int x, int y) -> Point {
    const double px = x + 0.5;
    const double py = y + 0.5;
    const double depth = m[6] * px + m[7] * py + 1;
    return {(m[0] * px + m[1] * py + m[2]) / depth, (m[3] * px + m[4] * py + m[5]) / depth};
  });
}

void displace(const Image& in, const float* dx, const float* dy, Image& out) {
  warp(in, Sampling::bilinear, out, [&](int x, int y) -> Point {
    return {static_cast<double>(x) + 0.5 + static_cast<double>(*dx++),
            static_cast<double>(y) + 0.5 + static_cast<double>(*dy++)};
  });
}

}  // namespace fovea
