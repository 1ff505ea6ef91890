// Xception (Chollet 2017, figure 5): depthwise separable convolutions with linear shortcuts. Names are timm's
// (legacy_xception), and as there the strided pools see a zero on every side, where Keras has them at the right and the
// bottom alone. Shapes are for inputs of 299x299.
#include <fmt/format.h>

#include "zoo/blocks.h"
#include "zoo/networks.h"

namespace fovea::zoo {

namespace {

// 3x3 on each channel, then 1x1; normalised.
Value separable(const Scope& scope, const Scope& norm, Value x, int64_t filters) {
  ConvOptions spatial = depthwise(x.shape().back(), 3);
  spatial.bias = false;
  x = conv(scope / "conv1", x, spatial);
  return conv_norm(scope / "pointwise", norm, x, {.filters = filters});
}

struct Block {
  std::vector<int64_t> filters;  // of the separable convolutions
  int64_t stride = 2;
  bool relu_first = true;
};

Value residual(const Scope& scope, Value x, const Block& block) {
  Value y = x;
  int number = 0;  // of the layer, ReLUs counted
  for (const int64_t filters : block.filters) {
    if (number > 0 || block.relu_first) {
      y = relu(y);
      ++number;
    }
    const Scope name = scope / fmt::format("rep.{}", number++);
    y = separable(name, scope / fmt::format("rep.{}", number++), y, filters);
  }
  if (block.stride == 1) return y + x;
  y = max_pool(y, {.kernel = 3, .stride = block.stride, .padding = 1});
  x = conv_norm(scope / "skip", scope / "skipbn", x, {.filters = block.filters.back(), .stride = block.stride});
  return y + x;
}

Value network(const Scope& scope, Value x, const ZooOptions& options) {
  x = relu(conv_norm(scope / "conv1", scope / "bn1", x, {.filters = 32, .kernel = 3, .stride = 2}));  // 149x149
  x = relu(conv_norm(scope / "conv2", scope / "bn2", x, {.filters = 64, .kernel = 3}));               // 147x147
  x = residual(scope / "block1", x, {.filters = {128, 128}, .relu_first = false});                    // 74x74
  x = residual(scope / "block2", x, {.filters = {256, 256}});                                         // 37x37
  x = residual(scope / "block3", x, {.filters = {728, 728}});                                         // 19x19
  for (int i = 4; i < 12; ++i) {
    x = residual(scope / fmt::format("block{}", i), x, {.filters = {728, 728, 728}, .stride = 1});
  }
  x = residual(scope / "block12", x, {.filters = {728, 1024}});  // 10x10
  x = relu(separable(scope / "conv3", scope / "bn3", x, 1536));
  x = relu(separable(scope / "conv4", scope / "bn4", x, 2048));
  return dense(scope / "fc", flatten(global_avg_pool(x)), options.classes);
}

}  // namespace

std::vector<ZooEntry> xception() {
  return {imagenet("xception", network, "Chollet 2017, Xception: deep learning with separable convolutions", 299)};
}

}  // namespace fovea::zoo
