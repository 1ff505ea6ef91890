// Residual networks for CIFAR-10 as section 4.2 of He et al. 2016 has them: a shortcut that changes shape takes every
// second pixel and pads the channels with zeros (option A), so that it has no parameters. Names and weights are those
// of github.com/akamaster/pytorch_resnet_cifar10, which pads half of the zeros before the channels and half after.
#include <fmt/format.h>

#include "fovea/shape_ops.h"
#include "zoo/blocks.h"
#include "zoo/networks.h"

namespace fovea::zoo {

namespace {

Value shortcut(Value x, int64_t filters) {
  const int64_t zeros = (filters - x.shape().back()) / 2;
  x = slice(x, {{.axis = 1, .step = 2}, {.axis = 2, .step = 2}});
  return pad(x, {{.axis = 3, .before = zeros, .after = zeros}});
}

Value block(const Scope& scope, Value x, int64_t filters, int64_t stride) {
  Value y = relu(conv_norm(scope / "conv1", scope / "bn1", x, window(filters, 3, stride)));
  y = conv_norm(scope / "conv2", scope / "bn2", y, window(filters, 3));
  return relu(y + (stride > 1 ? shortcut(x, filters) : x));
}

// 6n + 2 layers.
ZooEntry row(std::string_view name, int n) {
  const auto network = [n](const Scope& scope, Value x, const ZooOptions& options) {
    x = relu(conv_norm(scope / "conv1", scope / "bn1", x, window(16, 3)));
    for (int stage = 0; stage < 3; ++stage) {
      for (int i = 0; i < n; ++i) {
        x = block(scope / fmt::format("layer{}.{}", stage + 1, i), x, 16 << stage, stage > 0 && i == 0 ? 2 : 1);
      }
    }
    return dense(scope / "linear", flatten(global_avg_pool(x)), options.classes);
  };
  return {
      name, network, {32, 32, 3}, 10, Initializer::he_normal, 0.1, "He et al. 2016, section 4.2, with its shortcuts"};
}

}  // namespace

std::vector<ZooEntry> resnet_a() {
  return {row("resnet20_a", 3), row("resnet32_a", 5), row("resnet44_a", 7), row("resnet56_a", 9),
          row("resnet110_a", 18)};
}

}  // namespace fovea::zoo
