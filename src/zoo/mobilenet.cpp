// MobileNet (Howard et al. 2017, table 1): every 3x3 convolution is depthwise, then 1x1. Names and padding are Keras's:
// a strided window sees its zeros at the right and the bottom.
#include <fmt/format.h>

#include <string>

#include "zoo/blocks.h"
#include "zoo/networks.h"

namespace fovea::zoo {

namespace {

Value named(const Scope& scope, const std::string& name, Value x, const ConvOptions& options) {
  constexpr BatchNormOptions norm = {.epsilon = 1e-3, .momentum = 0.01};
  return relu6(conv_norm(scope / name, scope / (name + "_bn"), x, options, norm));
}

Value network(const Scope& scope, Value x, const ZooOptions& options) {
  const auto wide = [&](int64_t filters) { return static_cast<int64_t>(static_cast<double>(filters) * options.width); };
  constexpr Padding right_bottom = {0, 1, 0, 1};
  struct Block {
    int64_t filters, stride;
  };
  constexpr Block blocks[] = {{64, 1},  {128, 2}, {128, 1}, {256, 2}, {256, 1},  {512, 2}, {512, 1},
                              {512, 1}, {512, 1}, {512, 1}, {512, 1}, {1024, 2}, {1024, 1}};
  x = named(scope, "conv1", x, {.filters = wide(32), .kernel = 3, .stride = 2, .padding = right_bottom});
  int number = 1;
  for (const auto& [filters, stride] : blocks) {
    ConvOptions spatial = depthwise(x.shape().back(), 3, stride);
    if (stride > 1) spatial.padding = right_bottom;
    x = named(scope, fmt::format("conv_dw_{}", number), x, spatial);
    x = named(scope, fmt::format("conv_pw_{}", number), x, {.filters = wide(filters)});
    ++number;
  }
  x = dropout(global_avg_pool(x), 1e-3);
  return flatten(conv(scope / "conv_preds", x, {.filters = options.classes}));
}

}  // namespace

std::vector<ZooEntry> mobilenet() {
  return {
      with_width(imagenet("mobilenet", network, "Howard et al. 2017, MobileNets: efficient CNNs for mobile vision"))};
}

}  // namespace fovea::zoo
