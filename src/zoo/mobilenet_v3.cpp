// MobileNetV3 (Howard et al. 2019, tables 1 and 2): inverted residuals with squeeze and excitation, found by search.
#include <fmt/format.h>

#include <vector>

#include "zoo/blocks.h"
#include "zoo/networks.h"

namespace fovea::zoo {

namespace {

constexpr BatchNormOptions norm = {.epsilon = 1e-3, .momentum = 0.01};

// A row of the tables.
struct Block {
  int64_t kernel, width, filters;
  bool squeeze;
  Activation activation;
  int64_t stride;
};

Value inverted_residual(const Scope& scope, Value x, const Block& block) {
  int number = 0;
  const auto next = [&] { return scope / fmt::to_string(number++); };
  Value y = x;
  if (block.width != x.shape().back()) y = block.activation(conv_norm(next(), y, {.filters = block.width}, norm));
  y = block.activation(conv_norm(next(), y, depthwise(block.width, block.kernel, block.stride), norm));
  if (block.squeeze) {
    const int64_t quarter = block.width / 4;
    y = squeeze_excitation(next(), y, multiple_of_8(static_cast<double>(quarter)), relu, hard_sigmoid);
  }
  y = conv_norm(next(), y, {.filters = block.filters}, norm);
  return block.stride == 1 && block.filters == x.shape().back() ? y + x : y;
}

ZooBuilder network(const std::vector<Block>& blocks, int64_t hidden_units) {
  return [=](const Scope& scope, Value x, const ZooOptions& options) {
    const auto wide = [&](int64_t filters) { return multiple_of_8(static_cast<double>(filters) * options.width); };
    int number = 0;
    const auto next = [&] { return scope / fmt::format("features.{}", number++); };
    x = hard_swish(conv_norm(next(), x, window(wide(16), 3, 2), norm));
    for (Block block : blocks) {
      block.width = wide(block.width);
      block.filters = wide(block.filters);
      x = inverted_residual(next() / "block", x, block);
    }
    x = hard_swish(conv_norm(next(), x, {.filters = 6 * x.shape().back()}, norm));
    x = hard_swish(dense(scope / "classifier.0", flatten(global_avg_pool(x)), wide(hidden_units)));
    return dense(scope / "classifier.3", dropout(x, 0.2), options.classes);
  };
}

}  // namespace

std::vector<ZooEntry> mobilenet_v3() {
  constexpr std::string_view source = "Howard et al. 2019, searching for MobileNetV3";
  const std::vector<Block> small = {
      {3, 16, 16, true, relu, 2},        {3, 72, 24, false, relu, 2},       {3, 88, 24, false, relu, 1},
      {5, 96, 40, true, hard_swish, 2},  {5, 240, 40, true, hard_swish, 1}, {5, 240, 40, true, hard_swish, 1},
      {5, 120, 48, true, hard_swish, 1}, {5, 144, 48, true, hard_swish, 1}, {5, 288, 96, true, hard_swish, 2},
      {5, 576, 96, true, hard_swish, 1}, {5, 576, 96, true, hard_swish, 1}};
  const std::vector<Block> large = {
      {3, 16, 16, false, relu, 1},        {3, 64, 24, false, relu, 2},        {3, 72, 24, false, relu, 1},
      {5, 72, 40, true, relu, 2},         {5, 120, 40, true, relu, 1},        {5, 120, 40, true, relu, 1},
      {3, 240, 80, false, hard_swish, 2}, {3, 200, 80, false, hard_swish, 1}, {3, 184, 80, false, hard_swish, 1},
      {3, 184, 80, false, hard_swish, 1}, {3, 480, 112, true, hard_swish, 1}, {3, 672, 112, true, hard_swish, 1},
      {5, 672, 160, true, hard_swish, 2}, {5, 960, 160, true, hard_swish, 1}, {5, 960, 160, true, hard_swish, 1}};
  return {with_width(imagenet("mobilenet_v3_small", network(small, 1024), source)),
          with_width(imagenet("mobilenet_v3_large", network(large, 1280), source))};
}

}  // namespace fovea::zoo
