// ShuffleNet V2 (Ma et al. 2018, table 5): half of the channels pass by each unit, and a shuffle mixes the halves.
// Names are torchvision's.
#include <fmt/format.h>

#include <array>

#include "zoo/blocks.h"
#include "zoo/networks.h"

namespace fovea::zoo {

namespace {

// Channel j of group i goes to place j * groups + i.
Value channel_shuffle(Value x, int64_t groups) {
  const Shape& shape = x.shape();
  const int64_t channels = shape.back();
  x = reshape(x, {0, shape[1], shape[2], groups, channels / groups});
  return reshape(transpose(x, {0, 1, 2, 4, 3}), {0, shape[1], shape[2], channels});
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
  constexpr std::string_view source = "Ma et al. 2018, ShuffleNet V2: practical guidelines";
  return {imagenet("shufflenet_v2_x0_5", network({48, 96, 192}, 1024), source),
          imagenet("shufflenet_v2_x1_0", network({116, 232, 464}, 1024), source),
          imagenet("shufflenet_v2_x1_5", network({176, 352, 704}, 1024), source),
          imagenet("shufflenet_v2_x2_0", network({244, 488, 976}, 2048), source)};
}

}  // namespace fovea::zoo
