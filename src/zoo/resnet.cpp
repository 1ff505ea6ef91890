// Residual networks (He et al. 2016), with wider (Zagoruyko & Komodakis 2016, wide ResNet) and grouped (Xie et al.
// 2017, ResNeXt) bottlenecks, with squeeze and excitation (Hu et al. 2018, SENet), with a stem and shortcuts that lose
// nothing (He et al. 2019, ResNet-D) and both (Bello et al. 2021, ResNet-RS). Names are torchvision's, of networks that
// it lacks timm's.
// As there a bottleneck strides in its 3x3 convolution, not in the first 1x1. A shortcut that changes shape is a
// strided 1x1 convolution (option B), in the networks for CIFAR too, where the paper pads with zeros (option A):
// resnet20 has 272,474 parameters here, 269,722 there.
#include "zoo/resnet.h"

#include <fmt/format.h>

#include "zoo/blocks.h"
#include "zoo/networks.h"

namespace fovea::zoo {

namespace {

Value numbered(const Scope& scope, Value x, int number, const ConvOptions& options) {
  return conv_norm(scope / fmt::format("conv{}", number), scope / fmt::format("bn{}", number), x, options);
}

Value shortcut(const Scope& scope, Value x, int64_t filters, const ResNetBlock& block) {
  if (block.config.average_shortcut) {
    if (block.stride > 1) x = avg_pool(x, {.kernel = 2, .ceil_mode = true, .count_include_pad = false});
    return conv_norm(scope / "downsample.1", scope / "downsample.2", x, {.filters = filters});
  }
  const int64_t kernel = block.stride > 1 ? block.config.shortcut_kernel : 1;
  return conv_norm(scope / "downsample.0", scope / "downsample.1", x, window(filters, kernel, block.stride));
}

// What a block ends with.
Value add_shortcut(const Scope& scope, Value x, Value y, const ResNetBlock& block) {
  const int64_t channels = y.shape().back();
  if (block.config.squeeze > 0) {
    const int64_t squeezed = multiple_of_8(block.config.squeeze * static_cast<double>(channels));
    y = squeeze_excitation(scope / "se", y, squeezed, relu, sigmoid);
  }
  if (y.shape() != x.shape()) x = shortcut(scope, x, channels, block);
  return relu(block.config.join != nullptr ? block.config.join(scope, x, y) : y + x);
}

}  // namespace

Value basic_block(const Scope& scope, Value x, const ResNetBlock& block) {
  Value y = relu(numbered(scope, x, 1, window(block.filters, 3, block.stride)));
  y = numbered(scope, y, 2, window(block.filters, 3));
  return add_shortcut(scope, x, y, block);
}

Value bottleneck(const Scope& scope, Value x, const ResNetBlock& block) {
  const ResNetConfig& config = block.config;
  ConvOptions spatial = window(block.filters * config.group_width / 64 * config.groups, 3, block.stride);
  spatial.groups = config.groups;
  spatial.dilation = block.dilation;
  spatial.padding = block.dilation;
  Value y = relu(numbered(scope, x, 1, {.filters = spatial.filters / config.narrow_first}));
  y = relu(numbered(scope, y, 2, spatial));
  y = numbered(scope, y, 3, {.filters = 4 * block.filters});
  return add_shortcut(scope, x, y, block);
}

std::array<Value, 4> resnet_stages(const Scope& scope, Value x, const ResNetConfig& config, int64_t filters) {
  std::array<Value, 4> outputs;
  int64_t dilation = 1;
  for (size_t stage = 0; stage < outputs.size(); ++stage, filters *= 2) {
    const bool dilates = config.dilated && stage >= 2;
    for (int i = 0; i < config.depths[stage]; ++i) {
      const bool halves = stage > 0 && i == 0;
      const ResNetBlock block = {filters, halves && !dilates ? 2 : 1, dilation, config};
      x = config.block(scope / fmt::format("layer{}.{}", stage + 1, i), x, block);
      if (halves && dilates) dilation *= 2;
    }
    outputs[stage] = x;
  }
  return outputs;
}

Value resnet_stem(const Scope& scope, Value x, const ResNetConfig& config) {
  if (config.deep_stem > 0) {
    const Scope conv1 = scope / "conv1";
    x = relu(conv_norm(conv1 / "0", conv1 / "1", x, window(config.deep_stem, 3, 2)));
    x = relu(conv_norm(conv1 / "3", conv1 / "4", x, window(config.deep_stem, 3)));
    x = relu(conv_norm(conv1 / "6", scope / "bn1", x, window(2 * config.deep_stem, 3)));
  } else {
    x = relu(numbered(scope, x, 1, window(64, 7, 2)));
  }
  if (config.conv_pool) return relu(conv_norm(scope / "maxpool", x, window(x.shape().back(), 3, 2)));
  return max_pool(scope / "maxpool", x, {.kernel = 3, .stride = 2, .padding = 1});
}

ZooBuilder cifar_resnet(const ResNetConfig& config) {
  return [=](const Scope& scope, Value x, const ZooOptions& options) {
    x = relu(numbered(scope, x, 1, window(16, 3)));
    x = resnet_stages(scope, x, config, 16).back();
    return dense(scope / "fc", flatten(global_avg_pool(x)), options.classes);
  };
}

namespace {

ZooBuilder network(const ResNetConfig& config) {
  return [=](const Scope& scope, Value x, const ZooOptions& options) {
    x = flatten(global_avg_pool(resnet_stages(scope, resnet_stem(scope, x, config), config, 64).back()));
    if (config.drop_rate > 0) x = dropout(x, config.drop_rate);
    return dense(scope / "fc", x, options.classes);
  };
}

ZooEntry cifar(std::string_view name, int n) {
  const ResNetConfig config = {.depths = {n, n, n}, .block = basic_block};
  return {name,
          cifar_resnet(config),
          {32, 32, 3},
          10,
          Initializer::he_normal,
          0.1,
          "He et al. 2016, section 4.2: for CIFAR-10"};
}

}  // namespace

std::vector<ZooEntry> resnet() {
  constexpr std::string_view he = "He et al. 2016, deep residual learning";
  constexpr std::string_view wide = "Zagoruyko & Komodakis 2016, wide residual networks";
  constexpr std::string_view next = "Xie et al. 2017, aggregated residual transformations";
  constexpr std::string_view hu = "Hu et al. 2018, squeeze-and-excitation networks";
  const auto row = [](std::string_view name, const ResNetConfig& config, std::string_view source,
                      int64_t extent = 224) { return imagenet(name, network(config), source, extent, 0.025); };
  const auto squeezed = [&](std::string_view name, ResNetConfig config) {
    config.squeeze = 1.0 / 16;
    return row(name, config, hu);
  };
  const auto d = [&](std::string_view name, ResNetConfig config) {
    config.deep_stem = 32;
    config.average_shortcut = true;
    return row(name, config, "He et al. 2019, bag of tricks: ResNet-D");
  };
  const auto rs = [&](std::string_view name, const std::array<int, 4>& depths, int64_t extent) {
    return row(name,
               {.depths = depths,
                .block = bottleneck,
                .squeeze = 0.25,
                .deep_stem = 32,
                .average_shortcut = true,
                .conv_pool = true,
                .drop_rate = 0.25},
               "Bello et al. 2021, revisiting ResNets: ResNet-RS", extent);
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
          row("resnext101_64x4d", {{3, 4, 23, 3}, bottleneck, 64, 4}, next),
          squeezed("seresnet18", {{2, 2, 2, 2}, basic_block}),
          squeezed("seresnet34", {{3, 4, 6, 3}, basic_block}),
          squeezed("seresnet50", {{3, 4, 6, 3}, bottleneck}),
          squeezed("seresnet101", {{3, 4, 23, 3}, bottleneck}),
          squeezed("seresnet152", {{3, 8, 36, 3}, bottleneck}),
          squeezed("seresnext50_32x4d", {{3, 4, 6, 3}, bottleneck, 32, 4}),
          squeezed("seresnext101_32x4d", {{3, 4, 23, 3}, bottleneck, 32, 4}),
          squeezed("senet154", {.depths = {3, 8, 36, 3},
                                .block = bottleneck,
                                .groups = 64,
                                .group_width = 4,
                                .deep_stem = 64,
                                .shortcut_kernel = 3,
                                .narrow_first = 2,
                                .drop_rate = 0.2}),
          d("resnet18d", {{2, 2, 2, 2}, basic_block}),
          d("resnet34d", {{3, 4, 6, 3}, basic_block}),
          d("resnet50d", {{3, 4, 6, 3}, bottleneck}),
          d("resnet101d", {{3, 4, 23, 3}, bottleneck}),
          d("resnet152d", {{3, 8, 36, 3}, bottleneck}),
          d("resnet200d", {{3, 24, 36, 3}, bottleneck}),
          rs("resnetrs50", {3, 4, 6, 3}, 160),
          rs("resnetrs101", {3, 4, 23, 3}, 192),
          rs("resnetrs152", {3, 8, 36, 3}, 256),
          rs("resnetrs200", {3, 24, 36, 3}, 256),
          rs("resnetrs270", {4, 29, 53, 4}, 256),
          rs("resnetrs350", {4, 36, 72, 4}, 288),
          rs("resnetrs420", {4, 44, 87, 4}, 320)};
}

}  // namespace fovea::zoo
