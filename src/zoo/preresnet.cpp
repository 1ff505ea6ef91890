// Residual networks with pre-activation for CIFAR: the originals (He et al. 2016b, appendix) and wide ones (Zagoruyko &
// Komodakis 2016, table 1; wrn_28_10 has 28 layers, ten times as many filters). Names follow torchvision's resnet.
// Where the shape changes the shortcut is a 1x1 convolution of the activated input. Shapes are for inputs of 32x32.
#include <fmt/format.h>

#include "zoo/blocks.h"
#include "zoo/networks.h"

namespace fovea::zoo {

namespace {

struct Config {
  int blocks;                    // in each of the three stages
  bool has_bottlenecks = false;  // 1x1, 3x3, 1x1 in place of two 3x3
  int64_t width = 1;
  double drop_rate = 0;  // between the convolutions
};

// Normalisation and ReLU come before the convolution.
Value activated(const Scope& scope, Value x, int number) {
  return relu(batch_norm(scope / fmt::format("bn{}", number), x));
}

Value unbiased(const Scope& scope, Value x, ConvOptions options) {
  options.bias = false;
  return conv(scope, x, options);
}

Value block(const Scope& scope, Value x, int64_t filters, int64_t stride, const Config& config) {
  const int64_t outputs = config.has_bottlenecks ? 4 * filters : filters;
  const Value active = activated(scope, x, 1);
  if (stride > 1 || x.shape().back() != outputs) {
    x = unbiased(scope / "downsample", active, {.filters = outputs, .stride = stride});
  }
  if (config.has_bottlenecks) {
    Value y = unbiased(scope / "conv1", active, {.filters = filters});
    y = unbiased(scope / "conv2", activated(scope, y, 2), window(filters, 3, stride));
    return x + unbiased(scope / "conv3", activated(scope, y, 3), {.filters = outputs});
  }
  Value y = activated(scope, unbiased(scope / "conv1", active, window(filters, 3, stride)), 2);
  if (config.drop_rate > 0) y = dropout(y, config.drop_rate);
  return x + unbiased(scope / "conv2", y, window(filters, 3));
}

ZooBuilder network(const Config& config) {
  return [=](const Scope& scope, Value x, const ZooOptions& options) {
    x = unbiased(scope / "conv1", x, window(16, 3));
    int64_t filters = 16 * config.width;
    for (int stage = 1; stage <= 3; ++stage, filters *= 2) {  // 32x32, 16x16, 8x8
      for (int i = 0; i < config.blocks; ++i) {
        const Scope name = scope / fmt::format("layer{}.{}", stage, i);
        x = block(name, x, filters, stage > 1 && i == 0 ? 2 : 1, config);
      }
    }
    x = relu(batch_norm(scope / "bn", x));
    return dense(scope / "fc", flatten(global_avg_pool(x)), options.classes);
  };
}

ZooEntry cifar(std::string_view name, const Config& config, std::string_view source) {
  return {name, network(config), {32, 32, 3}, 10, Initializer::he_normal, 0.05, source};
}

// 6n + 2 layers; of bottlenecks 9n + 2.
ZooEntry original(std::string_view name, int n, bool has_bottlenecks = false) {
  return cifar(name, {n, has_bottlenecks}, "He et al. 2016b, identity mappings: for CIFAR-10");
}

// `depth` layers, the shortcuts' convolutions counted.
ZooEntry wide(std::string_view name, int depth, int64_t width) {
  return cifar(name, {(depth - 4) / 6, false, width, 0.3}, "Zagoruyko & Komodakis 2016, wide residual networks");
}

}  // namespace

std::vector<ZooEntry> preresnet() {
  return {original("preresnet20", 3),
          original("preresnet56", 9),
          original("preresnet110", 18),
          original("preresnet164", 18, true),
          original("preresnet1001", 111, true),
          wide("wrn_16_4", 16, 4),
          wide("wrn_16_8", 16, 8),
          wide("wrn_16_10", 16, 10),
          wide("wrn_28_10", 28, 10),
          wide("wrn_40_2", 40, 2),
          wide("wrn_40_4", 40, 4),
          wide("wrn_40_8", 40, 8)};
}

}  // namespace fovea::zoo
