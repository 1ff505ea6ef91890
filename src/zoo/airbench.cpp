// airbench94 (Jordan 2024, "94% on CIFAR-10 in 3.29 seconds on a single GPU", arXiv:2404.00498): whitened 2x2 patches
// and their negatives, three groups of two 3x3 convolutions, and logits scaled down to a ninth. As in his program
// batches move the running statistics far (momentum 0.4). Shapes are for 32x32. How weights begin and which are not
// trained is said in recipes/cifar10-airbench.toml.
#include <fmt/format.h>

#include "zoo/blocks.h"
#include "zoo/networks.h"

namespace fovea::zoo {

namespace {

constexpr BatchNormOptions norm = {.epsilon = 1e-12, .momentum = 0.4};

// Halves the picture after its first convolution.
Value group(const Scope& scope, Value x, int64_t filters) {
  x = max_pool(scope / "pool", conv(scope / "conv1", x, {.filters = filters, .kernel = 3, .padding = 1, .bias = false}),
               {.kernel = 2});
  x = gelu(batch_norm(scope / "norm1", x, norm));
  return gelu(conv_norm(scope / "conv2", scope / "norm2", x, window(filters, 3), norm));
}

Value network(const Scope& scope, Value x, const ZooOptions& options) {
  constexpr int64_t patch = 2;
  const int64_t directions = patch * patch * x.shape().back();
  x = gelu(conv(scope / "whiten", x, {.filters = 2 * directions, .kernel = patch}));  // 31x31
  x = group(scope / "group1", x, 64);                                                 // 15x15
  x = group(scope / "group2", x, 256);                                                // 7x7
  x = group(scope / "group3", x, 256);                                                // 3x3
  x = dense(scope / "head", flatten(global_max_pool(x)), options.classes, false);
  return weighted_sum({x}, {1.0 / 9});
}

}  // namespace

std::vector<ZooEntry> airbench() {
  return {{"airbench94", network, {32, 32, 3}, 10, Initializer::xavier_uniform, 0.1, "Jordan 2024, airbench94"}};
}

}  // namespace fovea::zoo
