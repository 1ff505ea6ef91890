// RegNet (Radosavovic et al. 2020): bottlenecks of grouped convolutions whose widths follow a quantised line; Y with
// squeeze and excitation, X without. Names are torchvision's.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "zoo/blocks.h"
#include "zoo/networks.h"

namespace fovea::zoo {

namespace {

// Section 3.3: block j is w_0 + w_a j wide, rounded to a power of w_m times w_0.
struct Config {
  int depth;
  int64_t w_0;
  double w_a, w_m;
  int64_t group_width;
};

struct Stage {
  int64_t width;
  int blocks;
};

// Equations 2 to 4, widths to multiples of 8; halves are rounded to even.
std::vector<Stage> stages_of(const Config& config) {
  std::vector<Stage> stages;
  const auto first = static_cast<double>(config.w_0);
  for (int j = 0; j < config.depth; ++j) {
    const double power = std::nearbyint(std::log((first + config.w_a * j) / first) / std::log(config.w_m));
    const auto width = 8 * static_cast<int64_t>(std::nearbyint(first * std::pow(config.w_m, power) / 8));
    if (stages.empty() || stages.back().width != width) stages.push_back({width, 0});
    ++stages.back().blocks;
  }
  return stages;
}

Value block(const Scope& scope, Value x, int64_t width, int64_t groups, int64_t stride, bool squeeze) {
  Value y = relu(conv_norm(scope / "f.a", x, {.filters = width}));
  y = relu(
      conv_norm(scope / "f.b", y, {.filters = width, .kernel = 3, .stride = stride, .padding = 1, .groups = groups}));
  if (squeeze) {
    const auto quarter = std::lround(static_cast<double>(x.shape().back()) / 4);
    y = squeeze_excitation(scope / "f.se", y, quarter, relu, sigmoid);
  }
  y = conv_norm(scope / "f.c", y, {.filters = width});
  if (y.shape() != x.shape()) x = conv_norm(scope / "proj", x, {.filters = width, .stride = stride});
  return relu(x + y);
}

ZooBuilder network(const Config& config, bool squeeze) {
  return [=](const Scope& scope, Value x, const ZooOptions& options) {
    x = relu(conv_norm(scope / "stem", x, window(32, 3, 2)));
    int number = 0;  // of the stage
    for (const Stage& stage : stages_of(config)) {
      const int64_t group_width = std::min(config.group_width, stage.width);
      const int64_t width = multiple_of(group_width, static_cast<double>(stage.width));
      ++number;
      for (int i = 0; i < stage.blocks; ++i) {
        const Scope name = scope / fmt::format("trunk_output.block{0}.block{0}-{1}", number, i);
        x = block(name, x, width, width / group_width, i == 0 ? 2 : 1, squeeze);
      }
    }
    return dense(scope / "fc", flatten(global_avg_pool(x)), options.classes);
  };
}

}  // namespace

std::vector<ZooEntry> regnet() {
  const auto x = [](std::string_view name, const Config& config) {
    return imagenet(name, network(config, false), "Radosavovic et al. 2020, designing network design spaces");
  };
  const auto y = [](std::string_view name, const Config& config) {
    return imagenet(name, network(config, true), "Radosavovic et al. 2020, with squeeze and excitation");
  };
  return {x("regnet_x_400mf", {22, 24, 24.48, 2.54, 16}),   x("regnet_x_800mf", {16, 56, 35.73, 2.28, 16}),
          x("regnet_x_1_6gf", {18, 80, 34.01, 2.25, 24}),   x("regnet_x_3_2gf", {25, 88, 26.31, 2.25, 48}),
          x("regnet_x_8gf", {23, 80, 49.56, 2.88, 120}),    x("regnet_x_16gf", {22, 216, 55.59, 2.1, 128}),
          x("regnet_x_32gf", {23, 320, 69.86, 2.0, 168}),   y("regnet_y_400mf", {16, 48, 27.89, 2.09, 8}),
          y("regnet_y_800mf", {14, 56, 38.84, 2.4, 16}),    y("regnet_y_1_6gf", {27, 48, 20.71, 2.65, 24}),
          y("regnet_y_3_2gf", {21, 80, 42.63, 2.66, 24}),   y("regnet_y_8gf", {17, 192, 76.82, 2.19, 56}),
          y("regnet_y_16gf", {18, 200, 106.23, 2.48, 112}), y("regnet_y_32gf", {20, 232, 115.89, 2.53, 232}),
          y("regnet_y_128gf", {27, 456, 160.83, 2.52, 264})};
}

}  // namespace fovea::zoo
