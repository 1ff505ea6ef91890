// ShuffleNet (Zhang et al. 2018, table 1): 1x1 convolutions of groups, and a shuffle that mixes the groups. ShuffleNet
// V2 (Ma et al. 2018, table 5): half of the channels pass by each unit, and a shuffle mixes the halves. Names of V2 are
// torchvision's, those of the first pytorchcv's, whose shufflenet_g3_w1 is shufflenet_g3 here.
#include <fmt/format.h>

#include <array>

#include "zoo/blocks.h"
#include "zoo/networks.h"

namespace fovea::zoo {

namespace {

// Channel j of group i goes to place j * groups + i.
Value channel_shuffle(Value x, int64_t groups) {
  if (groups == 1) return x;
  const Shape& shape = x.shape();
  const int64_t channels = shape.back();
  x = reshape(x, {0, shape[1], shape[2], groups, channels / groups});
  return reshape(transpose(x, {0, 1, 2, 4, 3}), {0, shape[1], shape[2], channels});
}

// Figure 2b, or 2c where the stride is 2: there the branch stands beside the shortcut instead of adding to it. The
// first 1x1 convolution of all reads few channels and is not divided.
Value unit_v1(const Scope& scope, Value x, int64_t filters, int64_t groups, int64_t stride, bool first) {
  const int64_t narrow = filters / 4;
  const auto layer = [&](const char* name, const char* norm, Value input, const ConvOptions& options) {
    return conv_norm(scope / name, scope / norm, input, options);
  };
  Value y = layer("compress_conv1", "compress_bn1", x, {.filters = narrow, .groups = first ? 1 : groups});
  y = channel_shuffle(relu(y), groups);
  y = layer("dw_conv2", "dw_bn2", y, depthwise(narrow, 3, stride));
  const int64_t added = stride == 1 ? filters : filters - x.shape().back();
  y = layer("expand_conv3", "expand_bn3", y, {.filters = added, .groups = groups});
  if (stride == 1) return relu(y + x);
  x = avg_pool(scope / "avgpool", x, {.kernel = 3, .stride = 2, .padding = 1});
  return relu(concatenate({y, x}));
}

// Filters of the first of three stages, each of which has twice those of the one before.
ZooBuilder network_v1(int64_t groups, int64_t filters) {
  return [=](const Scope& scope, Value x, const ZooOptions& options) {
    constexpr std::array<int, 3> units = {4, 8, 4};
    const auto scaled = [&](int64_t channels) {
      return static_cast<int64_t>(static_cast<double>(channels) * options.width);
    };
    const Scope features = scope / "features";
    const Scope start = features / "init_block";
    x = relu(conv_norm(start / "conv", start / "bn", x, window(scaled(24), 3, 2)));
    x = max_pool(start / "pool", x, {.kernel = 3, .stride = 2, .padding = 1});
    for (size_t stage = 0; stage < units.size(); ++stage) {
      for (int i = 0; i < units[stage]; ++i) {
        const Scope unit = features / fmt::format("stage{}", stage + 1) / fmt::format("unit{}", i + 1);
        x = unit_v1(unit, x, scaled(filters << stage), groups, i == 0 ? 2 : 1, stage == 0 && i == 0);
      }
    }
    return dense(scope / "output", flatten(global_avg_pool(x)), options.classes);
  };
}

// Member `number` of a sequence in which the normalisation has a number of its own.
Value member(const Scope& scope, int number, Value x, const ConvOptions& options) {
  return conv_norm(scope / fmt::to_string(number), scope / fmt::to_string(number + 1), x, options);
}

// Figure 3c, or 3d where the stride is 2.
Value unit(const Scope& scope, Value x, int64_t filters, int64_t stride) {
  const int64_t half = filters / 2;
  Value y = x;
  if (stride == 1) {
    const std::vector<Value> halves = split(x, -1, {half, half});
    x = halves[0];
    y = halves[1];
  } else {
    const Scope branch = scope / "branch1";
    x = member(branch, 0, x, depthwise(x.shape().back(), 3, stride));
    x = relu(member(branch, 2, x, {.filters = half}));
  }
  const Scope branch = scope / "branch2";
  y = relu(member(branch, 0, y, {.filters = half}));
  y = member(branch, 3, y, depthwise(half, 3, stride));
  y = relu(member(branch, 5, y, {.filters = half}));
  return channel_shuffle(concatenate({x, y}), 2);
}

// Filters of the three stages and of the last convolution.
ZooBuilder network(const std::array<int64_t, 3>& filters, int64_t last) {
  return [=](const Scope& scope, Value x, const ZooOptions& options) {
    constexpr std::array<int, 3> units = {4, 8, 4};
    x = relu(member(scope / "conv1", 0, x, window(24, 3, 2)));
    x = max_pool(scope / "maxpool", x, {.kernel = 3, .stride = 2, .padding = 1});
    for (size_t stage = 0; stage < units.size(); ++stage) {
      for (int i = 0; i < units[stage]; ++i) {
        x = unit(scope / fmt::format("stage{}.{}", stage + 2, i), x, filters[stage], i == 0 ? 2 : 1);
      }
    }
    x = relu(member(scope / "conv5", 0, x, {.filters = last}));
    return dense(scope / "fc", flatten(global_avg_pool(x)), options.classes);
  };
}

}  // namespace

std::vector<ZooEntry> shufflenet() {
  constexpr std::string_view first = "Zhang et al. 2018, ShuffleNet: an extremely efficient network";
  constexpr std::string_view source = "Ma et al. 2018, ShuffleNet V2: practical guidelines";
  return {with_width(imagenet("shufflenet_g1", network_v1(1, 144), first)),
          with_width(imagenet("shufflenet_g2", network_v1(2, 200), first)),
          with_width(imagenet("shufflenet_g3", network_v1(3, 240), first)),
          with_width(imagenet("shufflenet_g4", network_v1(4, 272), first)),
          with_width(imagenet("shufflenet_g8", network_v1(8, 384), first)),
          imagenet("shufflenet_v2_x0_5", network({48, 96, 192}, 1024), source),
          imagenet("shufflenet_v2_x1_0", network({116, 232, 464}, 1024), source),
          imagenet("shufflenet_v2_x1_5", network({176, 352, 704}, 1024), source),
          imagenet("shufflenet_v2_x2_0", network({244, 488, 976}, 2048), source)};
}

}  // namespace fovea::zoo
