// Network in Network (Lin et al. 2014, section 3.3): after each convolution two 1x1 ones, a small multilayer perceptron
// for every pixel; no dense layer. Layers, windows and names are those of the authors' Caffe models (cccp: cascaded
// cross-channel parametric pooling). Shapes are for inputs of 32x32 and 224x224.
#include <array>
#include <string>

#include "zoo/networks.h"

namespace fovea::zoo {

namespace {

// A convolution "conv<number>" and the 1x1 ones "cccp<number>" after it, each with its ReLU.
Value mlpconv(const Scope& scope, Value x, int number, const ConvOptions& options, std::array<int64_t, 2> cccp) {
  x = relu(conv(scope / ("conv" + std::to_string(number)), x, options));
  for (int i = 0; i < 2; ++i) {
    x = relu(conv(scope / ("cccp" + std::to_string(2 * number - 1 + i)), x, {.filters = cccp[static_cast<size_t>(i)]}));
  }
  return x;
}

Value cifar(const Scope& scope, Value x, const ZooOptions& options) {
  x = mlpconv(scope, x, 1, {.filters = 192, .kernel = 5, .padding = 2}, {160, 96});
  x = dropout(max_pool(scope / "pool1", x, {.kernel = 3, .stride = 2, .ceil_mode = true}));  // 16x16
  x = mlpconv(scope, x, 2, {.filters = 192, .kernel = 5, .padding = 2}, {192, 192});
  x = dropout(avg_pool(scope / "pool2", x, {.kernel = 3, .stride = 2, .ceil_mode = true}));  // 8x8
  x = mlpconv(scope, x, 3, {.filters = 192, .kernel = 3, .padding = 1}, {192, options.classes});
  return flatten(global_avg_pool(x));
}

Value imagenet_network(const Scope& scope, Value x, const ZooOptions& options) {
  constexpr PoolOptions halve = {.kernel = 3, .stride = 2, .ceil_mode = true};
  x = mlpconv(scope, x, 1, {.filters = 96, .kernel = 11, .stride = 4}, {96, 96});  // 54x54
  x = max_pool(scope / "pool1", x, halve);                                         // 27x27
  x = mlpconv(scope, x, 2, {.filters = 256, .kernel = 5, .padding = 2}, {256, 256});
  x = max_pool(scope / "pool2", x, halve);  // 13x13
  x = mlpconv(scope, x, 3, {.filters = 384, .kernel = 3, .padding = 1}, {384, 384});
  x = dropout(max_pool(scope / "pool3", x, halve));  // 6x6
  x = mlpconv(scope, x, 4, {.filters = 1024, .kernel = 3, .padding = 1}, {1024, options.classes});
  return flatten(global_avg_pool(x));
}

}  // namespace

std::vector<ZooEntry> nin() {
  return {{"nin", cifar, {32, 32, 3}, 10, Initializer::he_normal, 0.01, "Lin et al. 2014, network in network"},
          imagenet("nin_imagenet", imagenet_network, "Lin et al. 2014, network in network: the authors' for ImageNet")};
}

}  // namespace fovea::zoo
