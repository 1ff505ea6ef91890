// Residual networks (He et al. 2016), with wider (Zagoruyko & Komodakis 2016, wide ResNet) and grouped (Xie et al.
// 2017, ResNeXt) bottlenecks. As in torchvision a bottleneck strides in its 3x3 convolution, not in the first 1x1.
// A shortcut that changes shape is a strided 1x1 convolution (option B), in the networks for CIFAR too, where the paper
// pads with zeros (option A): resnet20 has 272,474 parameters here, 269,722 there.
#include <fmt/format.h>

#include <vector>

#include "zoo/blocks.h"
#include "zoo/networks.h"

namespace fovea::zoo {

namespace {

struct Block {
  int64_t filters;
  int64_t stride;
  int64_t width;  // of a bottleneck's 3x3 convolution, in groups of equal size
  int64_t groups;
};

Value numbered(const Scope& scope, Value x, int number, const ConvOptions& options) {
  return conv_norm(scope / fmt::format("conv{}", number), scope / fmt::format("bn{}", number), x, options);
}

Value add_shortcut(const Scope& scope, Value x, Value y, int64_t stride) {
  if (y.shape() != x.shape()) {
    x = conv_norm(scope / "downsample.0", scope / "downsample.1", x, {.filters = y.shape().back(), .stride = stride});
  }
  return relu(y + x);
}

// 3x3, 3x3
Value basic_block(const Scope& scope, Value x, const Block& block) {
  Value y = relu(numbered(scope, x, 1, {.filters = block.filters, .kernel = 3, .stride = block.stride, .padding = 1}));
  y = numbered(scope, y, 2, {.filters = block.filters, .kernel = 3, .padding = 1});
  return add_shortcut(scope, x, y, block.stride);
}

// 1x1 down, 3x3, 1x1 up to four times the filters
Value bottleneck(const Scope& scope, Value x, const Block& block) {
  Value y = relu(numbered(scope, x, 1, {.filters = block.width}));
  y = relu(
      numbered(scope, y, 2,
               {.filters = block.width, .kernel = 3, .stride = block.stride, .padding = 1, .groups = block.groups}));
  y = numbered(scope, y, 3, {.filters = 4 * block.filters});
  return add_shortcut(scope, x, y, block.stride);
}

struct Config {
  std::vector<int> depths;  // blocks in each stage
  Value (*block)(const Scope& scope, Value x, const Block& block);
  int64_t groups = 1;
  int64_t group_width = 64;  // filters in a group of the first stage
};

// Each stage has twice the filters of the one before, and all but the first halve the picture.
Value stages(const Scope& scope, Value x, const Config& config, int64_t filters) {
  for (size_t stage = 0; stage < config.depths.size(); ++stage, filters *= 2) {
    for (int i = 0; i < config.depths[stage]; ++i) {
      x = config.block(scope / fmt::format("layer{}.{}", stage + 1, i), x,
                       {.filters = filters,
                        .stride = stage > 0 && i == 0 ? 2 : 1,
                        .width = filters * config.group_width / 64 * config.groups,
                        .groups = config.groups});
    }
  }
  return x;
}

Value head(const Scope& scope, Value x, int64_t classes) {
  return dense(scope / "fc", flatten(global_avg_pool(x)), classes);
}

ZooBuilder network(const Config& config) {
  return [=](const Scope& scope, Value x, int64_t classes) {
    x = relu(numbered(scope, x, 1, {.filters = 64, .kernel = 7, .stride = 2, .padding = 3}));
    x = max_pool(scope / "maxpool", x, {.kernel = 3, .stride = 2, .padding = 1});
    return head(scope, stages(scope, x, config, 64), classes);
  };
}

// Section 4.2 of He et al.: 6n + 2 layers.
ZooEntry cifar(std::string_view name, int n) {
  const auto network = [n](const Scope& scope, Value x, int64_t classes) {
    x = relu(numbered(scope, x, 1, {.filters = 16, .kernel = 3, .padding = 1}));
    return head(scope, stages(scope, x, {.depths = {n, n, n}, .block = basic_block}, 16), classes);
  };
  return {name, network, {32, 32, 3}, 10, Initializer::he_normal, 0.1, "He et al. 2016, section 4.2: for CIFAR-10"};
}

}  // namespace

std::vector<ZooEntry> resnet() {
  constexpr std::string_view he = "He et al. 2016, deep residual learning";
  constexpr std::string_view wide = "Zagoruyko & Komodakis 2016, wide residual networks";
  constexpr std::string_view next = "Xie et al. 2017, aggregated residual transformations";
  const auto row = [](std::string_view name, const Config& config, std::string_view source) {
    return imagenet(name, network(config), source, 224, 0.025);
  };
  return {cifar("resnet20", 3),
          cifar("resnet32", 5),
          cifar("resnet44", 7),
          cifar("resnet56", 9),
          cifar("resnet110", 18),
          row("resnet18", {{2, 2, 2, 2}, basic_block}, he),
          row("resnet34", {{3, 4, 6, 3}, basic_block}, he),
          row("resnet50", {{3, 4, 6, 3}, bottleneck}, he),
          row("resnet101", {{3, 4, 23, 3}, bottleneck}, he),
          row("resnet152", {{3, 8, 36, 3}, bottleneck}, he),
          row("resnet200", {{3, 24, 36, 3}, bottleneck}, he),
          row("wide_resnet50_2", {{3, 4, 6, 3}, bottleneck, 1, 128}, wide),
          row("wide_resnet101_2", {{3, 4, 23, 3}, bottleneck, 1, 128}, wide),
          row("resnext50_32x4d", {{3, 4, 6, 3}, bottleneck, 32, 4}, next),
          row("resnext101_32x8d", {{3, 4, 23, 3}, bottleneck, 32, 8}, next),
          row("resnext101_64x4d", {{3, 4, 23, 3}, bottleneck, 64, 4}, next)};
}

}  // namespace fovea::zoo
