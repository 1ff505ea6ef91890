// DenseNet-BC (Huang et al. 2017, table 1): each layer sees the channels of all earlier ones of its block.
#include <fmt/format.h>

#include <array>

#include "zoo/networks.h"

namespace fovea::zoo {

namespace {

struct Config {
  std::array<int, 4> layers;  // of each block
  int64_t growth = 32;        // channels that a layer adds
  int64_t stem = 64;          // filters of the first convolution
};

// Normalisation and ReLU come before the convolution.
Value norm_relu_conv(const Scope& norm, const Scope& conv_scope, Value x, ConvOptions options) {
  options.bias = false;
  return conv(conv_scope, relu(batch_norm(norm, x)), options);
}

Value dense_layer(const Scope& scope, Value x, int64_t growth) {
  Value y = norm_relu_conv(scope / "norm1", scope / "conv1", x, {.filters = 4 * growth});
  y = norm_relu_conv(scope / "norm2", scope / "conv2", y, {.filters = growth, .kernel = 3, .padding = 1});
  return concatenate({x, y});
}

// Half the channels, half the picture.
Value transition(const Scope& scope, Value x) {
  x = norm_relu_conv(scope / "norm", scope / "conv", x, {.filters = x.shape().back() / 2});
  return avg_pool(scope / "pool", x, {.kernel = 2});
}

ZooBuilder network(const Config& config) {
  return [=](const Scope& scope, Value x, const ZooOptions& options) {
    const Scope features = scope / "features";
    x = conv(features / "conv0", x, {.filters = config.stem, .kernel = 7, .stride = 2, .padding = 3, .bias = false});
    x = relu(batch_norm(features / "norm0", x));
    x = max_pool(features / "pool0", x, {.kernel = 3, .stride = 2, .padding = 1});
    for (size_t block = 0; block < config.layers.size(); ++block) {
      if (block > 0) x = transition(features / fmt::format("transition{}", block), x);
      for (int layer = 1; layer <= config.layers[block]; ++layer) {
        x = dense_layer(features / fmt::format("denseblock{}.denselayer{}", block + 1, layer), x, config.growth);
      }
    }
    x = relu(batch_norm(features / "norm5", x));
    return dense(scope / "classifier", flatten(global_avg_pool(x)), options.classes);
  };
}

}  // namespace

std::vector<ZooEntry> densenet() {
  constexpr std::string_view source = "Huang et al. 2017, densely connected convolutional networks";
  return {imagenet("densenet121", network({.layers = {6, 12, 24, 16}}), source),
          imagenet("densenet161", network({.layers = {6, 12, 36, 24}, .growth = 48, .stem = 96}), source),
          imagenet("densenet169", network({.layers = {6, 12, 32, 32}}), source),
          imagenet("densenet201", network({.layers = {6, 12, 48, 32}}), source)};
}

}  // namespace fovea::zoo
