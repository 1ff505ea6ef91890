// EfficientNet (Tan & Le 2019, table 1) and EfficientNetV2 (Tan & Le 2021, table 4): inverted residuals with squeeze
// and excitation; V1's B0 is scaled in width, depth and extent to B7.
#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "zoo/blocks.h"
#include "zoo/networks.h"

namespace fovea::zoo {

namespace {

// A row of the tables.
struct Stage {
  bool fused;  // one 3x3 convolution in place of 1x1 up and depthwise
  int64_t expansion, kernel, stride, filters, blocks;
};

struct Config {
  int64_t stem;
  std::vector<Stage> stages;
  int64_t last;  // filters of the last convolution
  double dropout;
  BatchNormOptions norm{};
};

// What its branch adds to the picture is dropped at `rate` in training.
Value add_branch(Value x, Value y, int64_t stride, double rate) {
  return stride == 1 && y.shape().back() == x.shape().back() ? stochastic_depth(y, rate) + x : y;
}

// MBConv: 1x1 up, depthwise, squeeze and excitation, 1x1 down.
Value inverted_residual(const Scope& scope, Value x, const Stage& s, const BatchNormOptions& norm, double rate) {
  const int64_t channels = x.shape().back();
  const int64_t width = s.expansion * channels;
  int number = 0;
  const auto next = [&] { return scope / fmt::to_string(number++); };
  Value y = x;
  if (s.expansion > 1) y = silu(conv_norm(next(), y, {.filters = width}, norm));
  y = silu(conv_norm(next(), y, depthwise(width, s.kernel, s.stride), norm));
  y = squeeze_excitation(next(), y, std::max<int64_t>(1, channels / 4), silu, sigmoid);
  y = conv_norm(next(), y, {.filters = s.filters}, norm);
  return add_branch(x, y, s.stride, rate);
}

// Fused-MBConv: 3x3 up, 1x1 down; or 3x3 alone.
Value fused_residual(const Scope& scope, Value x, const Stage& s, const BatchNormOptions& norm, double rate) {
  const int64_t width = s.expansion > 1 ? s.expansion * x.shape().back() : s.filters;
  Value y = silu(conv_norm(scope / "0", x, window(width, s.kernel, s.stride), norm));
  if (s.expansion > 1) y = conv_norm(scope / "1", y, {.filters = s.filters}, norm);
  return add_branch(x, y, s.stride, rate);
}

ZooBuilder network(const Config& config) {
  return [=](const Scope& scope, Value x, const ZooOptions& options) {
    const Scope features = scope / "features";
    int64_t blocks = 0;
    for (const Stage& stage : config.stages) blocks += stage.blocks;
    x = silu(conv_norm(features / "0", x, window(config.stem, 3, 2), config.norm));
    int64_t number = 0;  // of the block
    size_t s = 1;
    for (Stage stage : config.stages) {
      for (int64_t i = 0; i < stage.blocks; ++i) {
        const double rate = 0.2 * static_cast<double>(number++) / static_cast<double>(blocks);
        auto* const block = stage.fused ? fused_residual : inverted_residual;
        x = block(features / fmt::format("{}.{}.block", s, i), x, stage, config.norm, rate);
        stage.stride = 1;
      }
      ++s;
    }
    x = silu(conv_norm(features / fmt::to_string(s), x, {.filters = config.last}, config.norm));
    return dense(scope / "classifier.1", dropout(flatten(global_avg_pool(x)), config.dropout), options.classes);
  };
}

// B0 with its filters and blocks multiplied.
ZooEntry scaled(std::string_view name, int64_t extent, double width, double depth, double dropout_rate,
                const BatchNormOptions& norm = {}) {
  Config config = {.stem = multiple_of_8(32 * width),
                   .stages = {{false, 1, 3, 1, 16, 1},
                              {false, 6, 3, 2, 24, 2},
                              {false, 6, 5, 2, 40, 2},
                              {false, 6, 3, 2, 80, 3},
                              {false, 6, 5, 1, 112, 3},
                              {false, 6, 5, 2, 192, 4},
                              {false, 6, 3, 1, 320, 1}},
                   .last = 0,
                   .dropout = dropout_rate,
                   .norm = norm};
  for (Stage& stage : config.stages) {
    stage.filters = multiple_of_8(static_cast<double>(stage.filters) * width);
    stage.blocks = static_cast<int64_t>(std::ceil(static_cast<double>(stage.blocks) * depth));
  }
  config.last = 4 * config.stages.back().filters;
  return imagenet(name, network(config), "Tan & Le 2019, EfficientNet: rethinking model scaling", extent);
}

ZooEntry second(std::string_view name, int64_t extent, int64_t stem, double dropout_rate,
                const std::vector<Stage>& stages, int64_t last = 1280) {
  return imagenet(name, network({stem, stages, last, dropout_rate, {.epsilon = 1e-3}}),
                  "Tan & Le 2021, EfficientNetV2: smaller models and faster training", extent);
}

// V2's B0, which torchvision lacks, with its filters and blocks multiplied, as in Keras.
ZooEntry second_scaled(std::string_view name, int64_t extent, double width, double depth) {
  const auto wide = [&](int64_t filters) { return multiple_of_8(static_cast<double>(filters) * width); };
  std::vector<Stage> stages = {{true, 1, 3, 1, 16, 1},  {true, 4, 3, 2, 32, 2},   {true, 4, 3, 2, 48, 2},
                               {false, 4, 3, 2, 96, 3}, {false, 6, 3, 1, 112, 5}, {false, 6, 3, 2, 192, 8}};
  for (Stage& stage : stages) {
    stage.filters = wide(stage.filters);
    stage.blocks = static_cast<int64_t>(std::ceil(static_cast<double>(stage.blocks) * depth));
  }
  return second(name, extent, wide(32), 0.2, stages, wide(1280));
}

}  // namespace

std::vector<ZooEntry> efficientnet() {
  constexpr BatchNormOptions slow = {.epsilon = 1e-3, .momentum = 0.01};
  return {scaled("efficientnet_b0", 224, 1.0, 1.0, 0.2),
          scaled("efficientnet_b1", 240, 1.0, 1.1, 0.2),
          scaled("efficientnet_b2", 288, 1.1, 1.2, 0.3),
          scaled("efficientnet_b3", 300, 1.2, 1.4, 0.3),
          scaled("efficientnet_b4", 380, 1.4, 1.8, 0.4),
          scaled("efficientnet_b5", 456, 1.6, 2.2, 0.4, slow),
          scaled("efficientnet_b6", 528, 1.8, 2.6, 0.5, slow),
          scaled("efficientnet_b7", 600, 2.0, 3.1, 0.5, slow),
          second_scaled("efficientnet_v2_b0", 224, 1.0, 1.0),
          second_scaled("efficientnet_v2_b1", 240, 1.0, 1.1),
          second_scaled("efficientnet_v2_b2", 260, 1.1, 1.2),
          second_scaled("efficientnet_v2_b3", 300, 1.2, 1.4),
          second("efficientnet_v2_s", 384, 24, 0.2,
                 {{true, 1, 3, 1, 24, 2},
                  {true, 4, 3, 2, 48, 4},
                  {true, 4, 3, 2, 64, 4},
                  {false, 4, 3, 2, 128, 6},
                  {false, 6, 3, 1, 160, 9},
                  {false, 6, 3, 2, 256, 15}}),
          second("efficientnet_v2_m", 480, 24, 0.3,
                 {{true, 1, 3, 1, 24, 3},
                  {true, 4, 3, 2, 48, 5},
                  {true, 4, 3, 2, 80, 5},
                  {false, 4, 3, 2, 160, 7},
                  {false, 6, 3, 1, 176, 14},
                  {false, 6, 3, 2, 304, 18},
                  {false, 6, 3, 1, 512, 5}}),
          second("efficientnet_v2_l", 480, 32, 0.4,
                 {{true, 1, 3, 1, 32, 4},
                  {true, 4, 3, 2, 64, 7},
                  {true, 4, 3, 2, 96, 7},
                  {false, 4, 3, 2, 192, 10},
                  {false, 6, 3, 1, 224, 19},
                  {false, 6, 3, 2, 384, 25},
                  {false, 6, 3, 1, 640, 7}})};
}

}  // namespace fovea::zoo
