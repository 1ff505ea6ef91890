// MiniVGGNet for CIFAR-10 (Rosebrock 2017): batch normalisation after the ReLU. Shapes are for inputs of 32x32.
#include <fmt/format.h>

#include "zoo/networks.h"

namespace fovea::zoo {

namespace {

Value conv_relu_bn(const Scope& scope, Value x, int64_t filters, int number) {
  x = conv(scope / fmt::format("conv{}", number), x, {.filters = filters, .kernel = 3, .padding = Padding::same()});
  return batch_norm(scope / fmt::format("bn{}", number), relu(x));
}

Value network(const Scope& scope, Value x, const ZooOptions& options) {
  x = conv_relu_bn(scope, x, 32, 1);
  x = conv_relu_bn(scope, x, 32, 2);
  x = dropout(max_pool(scope / "pool1", x, {.kernel = 2}), 0.25);  // 16x16x32
  x = conv_relu_bn(scope, x, 64, 3);
  x = conv_relu_bn(scope, x, 64, 4);
  x = dropout(max_pool(scope / "pool2", x, {.kernel = 2}), 0.25);  // 8x8x64
  x = batch_norm(scope / "bn5", relu(dense(scope / "fc1", flatten(x), 512)));
  return dense(scope / "fc2", dropout(x, 0.5), options.classes);
}

}  // namespace

std::vector<ZooEntry> minivgg() {
  return {{"minivgg",
           network,
           {32, 32, 3},
           10,
           Initializer::he_normal,
           0.01,
           "Rosebrock 2017, MiniVGGNet; Simonyan & Zisserman 2015, VGG"}};
}

}  // namespace fovea::zoo
