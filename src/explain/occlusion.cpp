#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "explain/attribution.h"
#include "fovea/error.h"

namespace fovea::explain {

namespace {

void check(const Probe& probe, const OcclusionOptions& options) {
  const Shape& input = probe.input_shape();
  const auto refuse = [](const std::string& what) { throw Error(ErrorKind::usage, "occlusion: " + what); };
  if (input.rank() != 4) refuse(fmt::format("the network takes no pictures but {}", to_string(input.without_batch())));
  if (!options.patch.serves(2) || !options.stride.serves(2)) refuse("patch and stride are one number or height, width");
  for (int axis = 0; axis < 2; ++axis) {
    if (options.patch[axis] < 1 || options.patch[axis] > input[axis + 1]) {
      refuse(fmt::format("patches must be 1x1 to {}x{}, got {}x{}", input[1], input[2], options.patch[0],
                         options.patch[1]));
    }
    if (options.stride[axis] < 1) refuse(fmt::format("the stride must be at least 1, got {}", options.stride[axis]));
  }
  if (!options.fill.empty() && std::ssize(options.fill) != input.back()) {
    refuse(fmt::format("the fill needs {} numbers, one per channel, got {}", input.back(), options.fill.size()));
  }
}

int64_t places(int64_t extent, int64_t patch, int64_t stride) { return (extent - patch) / stride + 1; }

// Fills a patch of an input {height, width, channels}.
void cover(std::span<float> input, const Shape& shape, int64_t top, int64_t left, const OcclusionOptions& options) {
  const int64_t channels = shape.back();
  for (int64_t y = top; y < top + options.patch[0]; ++y) {
    float* pixel = input.data() + (y * shape[2] + left) * channels;
    for (int64_t x = 0; x < options.patch[1]; ++x, pixel += channels) {
      if (options.fill.empty()) {
        std::fill_n(pixel, channels, 0.0F);
      } else {
        std::ranges::copy(options.fill, pixel);
      }
    }
  }
}

}  // namespace

Tensor occlusion(Probe& probe, const Tensor& x, const Score& score, const OcclusionOptions& options) {
  check_input(probe, x);
  check_class(probe, score, "occlusion");
  check(probe, options);
  const Shape& input = probe.input_shape();
  const auto target = static_cast<size_t>(score.index);
  const double whole = probe.probabilities(x)[target];
  Tensor map(Shape{places(input[1], options.patch[0], options.stride[0]),
                   places(input[2], options.patch[1], options.stride[1])});
  const int64_t columns = map.shape()[1];
  probe.scores(
      map.size(),
      [&](int64_t i, std::span<float> covered) {
        std::ranges::copy(x.values(), covered.begin());
        cover(covered, input, i / columns * options.stride[0], i % columns * options.stride[1], options);
      },
      [&](int64_t i, std::span<const float> logits) { map[i] = static_cast<float>(whole - softmax(logits)[target]); });
  return map;
}

Tensor spread_occlusion(const Tensor& map, const OcclusionOptions& options, int64_t height, int64_t width) {
  const Shape expected{places(height, options.patch[0], options.stride[0]),
                       places(width, options.patch[1], options.stride[1])};
  if (!(map.shape() == expected)) {
    throw Error(ErrorKind::usage, fmt::format("an occlusion map of {}x{} with these patches is {}, got {}", height,
                                              width, to_string(expected), to_string(map.shape())));
  }
  Tensor result(Shape{height, width});
  std::vector<int> covers(static_cast<size_t>(result.size()));
  for (int64_t i = 0; i < map.size(); ++i) {
    const int64_t top = i / expected[1] * options.stride[0];
    const int64_t left = i % expected[1] * options.stride[1];
    for (int64_t y = top; y < top + options.patch[0]; ++y) {
      for (int64_t x = left; x < left + options.patch[1]; ++x) {
        result[y * width + x] += map[i];
        ++covers[static_cast<size_t>(y * width + x)];
      }
    }
  }
  for (int64_t i = 0; i < result.size(); ++i)
    result[i] /= static_cast<float>(std::max(covers[static_cast<size_t>(i)], 1));
  return result;
}

}  // namespace fovea::explain
