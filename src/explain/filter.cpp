#include "fovea/filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "core/suggest.h"
#include "data/convert.h"
#include "fovea/error.h"
#include "fovea/session.h"

namespace fovea {

namespace {

const std::vector<std::pair<std::string, FilterKernel>>& kernels() {
  static const std::vector<std::pair<std::string, FilterKernel>> list = {
      {"sobel-x", {3, 3, {-1, 0, 1, -2, 0, 2, -1, 0, 1}}},
      {"sobel-y", {3, 3, {-1, -2, -1, 0, 0, 0, 1, 2, 1}}},
      {"laplacian", {3, 3, {0, 1, 0, 1, -4, 1, 0, 1, 0}}},
      {"sharpen", {3, 3, {0, -1, 0, -1, 5, -1, 0, -1, 0}}},
      {"emboss", {3, 3, {-2, -1, 0, -1, 1, 1, 0, 1, 2}}}};
  return list;
}

void check_size(int64_t size) {
  if (size >= 1 && size <= max_filter_extent) return;
  throw Error(ErrorKind::usage, fmt::format("a filter's size must be 1 to {}, got {}", max_filter_extent, size));
}

void check_kernel(const FilterKernel& kernel) {
  check_size(kernel.height);
  check_size(kernel.width);
  if (std::ssize(kernel.weights) == kernel.height * kernel.width) return;
  throw Error(ErrorKind::usage, fmt::format("a filter of {}x{} has {} weights, got {}", kernel.height, kernel.width,
                                            kernel.height * kernel.width, kernel.weights.size()));
}

}  // namespace

std::vector<std::string> filter_names() {
  std::vector<std::string> names;
  for (const auto& [name, kernel] : kernels()) names.push_back(name);
  return names;
}

FilterKernel named_kernel(std::string_view name) {
  for (const auto& [known, kernel] : kernels()) {
    if (known == name) return kernel;
  }
  throw Error(ErrorKind::usage, fmt::format("unknown filter '{}'{}", name, did_you_mean(name, filter_names())));
}

FilterKernel box_kernel(int64_t size) {
  check_size(size);
  const auto area = static_cast<size_t>(size * size);
  return {size, size, std::vector<float>(area, 1.0F / static_cast<float>(area))};
}

FilterKernel gaussian_kernel(double sigma, int64_t size) {
  if (!(sigma > 0 && sigma <= max_filter_extent)) {
    throw Error(ErrorKind::usage,
                fmt::format("a Gaussian's sigma must be above 0 and at most {}, got {}", max_filter_extent, sigma));
  }
  if (size == 0) size = 2 * static_cast<int64_t>(std::ceil(3 * sigma)) + 1;
  check_size(size);
  std::vector<double> bell;
  double sum = 0;
  for (int64_t i = 0; i < size; ++i) {
    const double distance = static_cast<double>(i) - static_cast<double>(size - 1) / 2;
    bell.push_back(std::exp(-distance * distance / (2 * sigma * sigma)));
    sum += bell.back();
  }
  FilterKernel kernel{size, size, {}};
  for (const double row : bell) {
    for (const double column : bell) kernel.weights.push_back(static_cast<float>(row / sum * (column / sum)));
  }
  return kernel;
}

Tensor filter_image(const Image& image, const FilterKernel& kernel, const FilterOptions& options) {
  check_image(image);
  check_kernel(kernel);
  const int64_t channels = image.channels;
  Graph graph;
  const Value input = graph.input("picture", {image.height, image.width, channels});
  const Value output = conv(Scope(graph) / "filter", input,
                            {.filters = channels,
                             .kernel = {kernel.height, kernel.width},
                             .stride = options.stride,
                             .padding = options.padding,
                             .dilation = options.dilation,
                             .groups = channels,
                             .bias = false});
  const Shape shape = output.shape().without_batch();
  std::vector<Tensor> weights = {Tensor(graph.parameters()[0].shape)};
  for (int64_t c = 0; c < channels; ++c) {
    std::ranges::copy(kernel.weights, weights[0].data() + c * std::ssize(kernel.weights));
  }
  Model model(std::move(graph), std::move(weights));
  Session session(model, {});
  std::ranges::copy(image.pixels, session.input("picture").begin());
  session.forward();
  Tensor values(shape);
  std::ranges::copy(session.output(), values.data());
  return values;
}

Image to_image(const Tensor& values) {
  const Shape& shape = values.shape();
  if (shape.rank() != 3 || shape.elements() == 0 || (shape[2] != 1 && shape[2] != 3)) {
    throw Error(ErrorKind::usage,
                fmt::format("an image is made from height x width x 1 or 3 values, got {}", to_string(shape)));
  }
  Image image{static_cast<int>(shape[0]), static_cast<int>(shape[1]), static_cast<int>(shape[2]), {}};
  for (const float value : values.values()) {
    image.pixels.push_back(static_cast<uint8_t>(std::lround(std::clamp(value, 0.0F, 255.0F))));
  }
  return image;
}

}  // namespace fovea
