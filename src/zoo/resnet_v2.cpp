// Residual networks with pre-activation (He et al. 2016b, figure 4e) for ImageNet. Names, and where they differ from
// the paper the layers, are Keras's (ResNet50V2): biases, and strides in the last block of a stage.
#include <fmt/format.h>

#include <array>

#include "zoo/blocks.h"
#include "zoo/networks.h"

namespace fovea::zoo {

namespace {

constexpr BatchNormOptions norm = {.epsilon = 1.001e-5, .momentum = 0.01};

// `name` is "conv2_block1_", the start of all names in the block.
Value bottleneck(const Scope& scope, const std::string& name, Value x, int64_t filters, int64_t stride, bool project) {
  const auto named = [&](const char* layer) { return scope / (name + layer); };
  const Value active = relu(batch_norm(named("preact_bn"), x, norm));
  if (project) {
    x = conv(named("0_conv"), active, {.filters = 4 * filters});
  } else if (stride > 1) {
    x = max_pool(named("pool"), x, {.kernel = 1, .stride = stride});
  }
  Value y = relu(conv_norm(named("1_conv"), named("1_bn"), active, {.filters = filters}, norm));
  y = relu(conv_norm(named("2_conv"), named("2_bn"), y, window(filters, 3, stride), norm));
  return x + conv(named("3_conv"), y, {.filters = 4 * filters});
}

ZooBuilder network(const std::array<int, 4>& depths) {
  return [=](const Scope& scope, Value x, const ZooOptions& options) {
    x = conv(scope / "conv1_conv", x, window(64, 7, 2));
    // Keras pads with zeros before this pool; here padding is never the maximum.
    x = max_pool(scope / "pool1_pool", x, {.kernel = 3, .stride = 2, .padding = 1});
    int64_t filters = 64;
    for (size_t stage = 0; stage < depths.size(); ++stage, filters *= 2) {
      for (int i = 1; i <= depths[stage]; ++i) {
        const int64_t stride = i == depths[stage] && stage + 1 < depths.size() ? 2 : 1;
        x = bottleneck(scope, fmt::format("conv{}_block{}_", stage + 2, i), x, filters, stride, i == 1);
      }
    }
    x = relu(batch_norm(scope / "post_bn", x, norm));
    return dense(scope / "predictions", flatten(global_avg_pool(x)), options.classes);
  };
}

}  // namespace

std::vector<ZooEntry> resnet_v2() {
  constexpr std::string_view source = "He et al. 2016b, identity mappings in deep residual networks";
  return {imagenet("resnet50v2", network({3, 4, 6, 3}), source, 224, 0.025),
          imagenet("resnet101v2", network({3, 4, 23, 3}), source, 224, 0.025),
          imagenet("resnet152v2", network({3, 8, 36, 3}), source, 224, 0.025)};
}

}  // namespace fovea::zoo
