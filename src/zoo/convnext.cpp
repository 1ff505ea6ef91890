// ConvNeXt (Liu et al. 2022, section 3): a residual network with a transformer's proportions.
#include <fmt/format.h>

#include <array>

#include "zoo/blocks.h"
#include "zoo/networks.h"

namespace fovea::zoo {

namespace {

struct Config {
  int64_t filters;  // of the first stage; doubled from stage to stage
  std::array<int, 4> depths;
  double drop_rate;  // stochastic depth of the last block
};

Value norm(const Scope& scope, Value x) { return layer_norm(scope, x, 1e-6); }

// 7x7 depthwise, then two dense layers for every pixel, the inner one four times as wide.
Value block(const Scope& scope, Value x, double drop_rate) {
  const int64_t channels = x.shape().back();
  Value y = conv(scope / "block.0", x, depthwise(channels, 7));
  y = norm(scope / "block.2", y);
  y = gelu(dense(scope / "block.3", y, 4 * channels));
  y = dense(scope / "block.5", y, channels);
  return stochastic_depth(scale(scope / "layer_scale", y, 1e-6), drop_rate) + x;
}

ZooBuilder network(const Config& config) {
  return [=](const Scope& scope, Value x, const ZooOptions& options) {
    const Scope features = scope / "features";
    x = norm(features / "0.1", conv(features / "0.0", x, {.filters = config.filters, .kernel = 4, .stride = 4}));
    int blocks = 0;
    for (const int depth : config.depths) blocks += depth;
    int number = 0;
    for (size_t stage = 0; stage < config.depths.size(); ++stage) {
      if (stage > 0) {
        const Scope halve = features / fmt::to_string(2 * stage);
        x = conv(halve / "1", norm(halve / "0", x), {.filters = 2 * x.shape().back(), .kernel = 2, .stride = 2});
      }
      for (int i = 0; i < config.depths[stage]; ++i) {
        x = block(features / fmt::format("{}.{}", 2 * stage + 1, i), x, config.drop_rate * number++ / (blocks - 1));
      }
    }
    x = flatten(norm(scope / "classifier.0", global_avg_pool(x)));
    return dense(scope / "classifier.2", x, options.classes);
  };
}

}  // namespace

std::vector<ZooEntry> convnext() {
  constexpr std::string_view source = "Liu et al. 2022, a ConvNet for the 2020s";
  return {imagenet("convnext_tiny", network({96, {3, 3, 9, 3}, 0.1}), source),
          imagenet("convnext_small", network({96, {3, 3, 27, 3}, 0.4}), source),
          imagenet("convnext_base", network({128, {3, 3, 27, 3}, 0.5}), source),
          imagenet("convnext_large", network({192, {3, 3, 27, 3}, 0.5}), source)};
}

}  // namespace fovea::zoo
