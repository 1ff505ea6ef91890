#include "explain/picture_terms.h"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <numbers>

#include "fovea/model.h"
#include "fovea/ops.h"
#include "fovea/session.h"

namespace fovea {

namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// Row k of the orthonormal DCT-II: sqrt(2/n) cos(pi k (i + 1/2) / n), row 0 divided by sqrt 2.
std::vector<float> cosine_transform(int64_t n) {
  std::vector<float> matrix;
  for (int64_t k = 0; k < n; ++k) {
    const double scale = std::sqrt((k == 0 ? 1.0 : 2.0) / static_cast<double>(n));
    for (int64_t i = 0; i < n; ++i) {
      const double angle = std::numbers::pi * static_cast<double>(k) * (static_cast<double>(i) + 0.5);
      matrix.push_back(static_cast<float>(scale * std::cos(angle / static_cast<double>(n))));
    }
  }
  return matrix;
}

// Convolves along one axis: `count` lines of `length` samples that lie `stride` apart.
void blur_lines(std::span<float> pixels, std::span<const float> bell, int64_t length, int64_t stride) {
  const auto reach = static_cast<int64_t>(bell.size()) - 1;
  std::vector<float> line(static_cast<size_t>(length));
  const auto mirrored = [&](int64_t i) {
    const int64_t period = 2 * length;
    i = ((i % period) + period) % period;
    return static_cast<size_t>(i < length ? i : period - 1 - i);
  };
  for (int64_t first = 0; first < std::ssize(pixels); first += length * stride) {
    for (int64_t offset = 0; offset < stride; ++offset) {
      float* const at = pixels.data() + first + offset;
      for (int64_t i = 0; i < length; ++i) line[static_cast<size_t>(i)] = at[i * stride];
      for (int64_t i = 0; i < length; ++i) {
        float sum = bell[0] * line[static_cast<size_t>(i)];
        for (int64_t k = 1; k <= reach; ++k) {
          sum += bell[static_cast<size_t>(k)] * (line[mirrored(i - k)] + line[mirrored(i + k)]);
        }
        at[i * stride] = sum;
      }
    }
  }
}

}  // namespace

double total_variation(const Shape& shape, std::span<const float> pixels, double weight, std::span<float> gradient) {
  const int64_t height = shape[0], width = shape[1], channels = shape[2];
  double sum = 0;
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      for (int64_t c = 0; c < channels; ++c) {
        const int64_t at = (y * width + x) * channels + c;
        const int64_t right = x + 1 < width ? at + channels : at;
        const int64_t below = y + 1 < height ? at + width * channels : at;
        const auto value = [&](int64_t i) { return static_cast<double>(pixels[static_cast<size_t>(i)]); };
        const double dx = value(right) - value(at), dy = value(below) - value(at);
        const double length = std::sqrt(dx * dx + dy * dy + 1e-6);
        sum += length;
        const auto add = [&](int64_t i, double part) {
          gradient[static_cast<size_t>(i)] += static_cast<float>(weight * part / length);
        };
        add(right, dx);
        add(below, dy);
        add(at, -dx - dy);
      }
    }
  }
  return sum;
}

void blur(const Shape& shape, double sigma, std::span<float> pixels) {
  std::vector<float> bell;
  double sum = 0;
  const auto reach = static_cast<int64_t>(std::ceil(3 * sigma));
  for (int64_t i = 0; i <= reach; ++i) {
    const auto x = static_cast<double>(i);
    bell.push_back(static_cast<float>(std::exp(-x * x / (2 * sigma * sigma))));
    sum += (i == 0 ? 1 : 2) * static_cast<double>(bell.back());
  }
  for (float& value : bell) value = static_cast<float>(value / sum);
  blur_lines(pixels, bell, shape[0], shape[1] * shape[2]);
  blur_lines(pixels, bell, shape[1], shape[2]);
}

std::vector<float> rolled(const Shape& shape, std::span<const float> pixels, int64_t down, int64_t right) {
  const int64_t height = shape[0], row = shape[1] * shape[2];
  const auto around = [](int64_t i, int64_t n) { return ((i % n) + n) % n; };
  const int64_t shift = around(right, shape[1]) * shape[2];
  std::vector<float> result(pixels.size());
  for (int64_t y = 0; y < height; ++y) {
    const auto from = pixels.subspan(static_cast<size_t>(y * row), static_cast<size_t>(row));
    std::ranges::rotate_copy(from, from.end() - shift, result.begin() + around(y + down, height) * row);
  }
  return result;
}

std::vector<float> resized(const Shape& shape, std::span<const float> pixels, int64_t height, int64_t width) {
  Graph graph;
  const Value x = graph.input("picture", shape);
  resize(x, {.size = {height, width}, .method = Interpolation::linear});
  Model model(std::move(graph));
  Session session(model, {});
  std::ranges::copy(pixels, session.input("picture").begin());
  session.forward();
  return {session.output().begin(), session.output().end()};
}

FrequencyFilter::FrequencyFilter(const Shape& shape, double exponent)
    : shape_(shape), rows_(cosine_transform(shape[0])), columns_(cosine_transform(shape[1])) {
  const auto height = static_cast<double>(shape[0]), width = static_cast<double>(shape[1]);
  const double lowest = 0.5 / std::max(height, width);
  for (int64_t i = 0; i < shape[0]; ++i) {
    for (int64_t j = 0; j < shape[1]; ++j) {
      const double f = std::hypot(static_cast<double>(i) / (2 * height), static_cast<double>(j) / (2 * width));
      factors_.push_back(static_cast<float>(std::pow(std::max(f, lowest), -exponent)));
    }
  }
}

void FrequencyFilter::apply(std::span<float> pixels) const {
  const int64_t height = shape_[0], width = shape_[1], channels = shape_[2];
  const Eigen::Map<const Matrix> rows(rows_.data(), height, height), columns(columns_.data(), width, width);
  const Eigen::Map<const Matrix> factors(factors_.data(), height, width);
  Matrix plane(height, width);
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t i = 0; i < height * width; ++i) plane.data()[i] = pixels[static_cast<size_t>(i * channels + c)];
    const Matrix spectrum = (rows * plane * columns.transpose()).cwiseProduct(factors);
    plane.noalias() = rows.transpose() * spectrum * columns;
    for (int64_t i = 0; i < height * width; ++i) pixels[static_cast<size_t>(i * channels + c)] = plane.data()[i];
  }
}

}  // namespace fovea
