// LeNet-5 and the network of the digit visualiser, its child. Shapes below are for inputs of 32x32.
#include "zoo/networks.h"

namespace fovea::zoo {

namespace {

// LeCun et al. 1998, with every map of C3 seeing every map of S2, plain averages in S2 and S4, and a dense last layer.
Value lenet5(const Scope& scope, Value x, const ZooOptions& options) {
  x = tanh(conv(scope / "conv1", x, {.filters = 6, .kernel = 5}));    // C1 28x28x6
  x = avg_pool(scope / "pool1", x, {.kernel = 2});                    // S2 14x14x6
  x = tanh(conv(scope / "conv2", x, {.filters = 16, .kernel = 5}));   // C3 10x10x16
  x = avg_pool(scope / "pool2", x, {.kernel = 2});                    // S4 5x5x16
  x = tanh(conv(scope / "conv3", x, {.filters = 120, .kernel = 5}));  // C5 1x1x120
  x = tanh(dense(scope / "fc1", flatten(x), 84));                     // F6
  return dense(scope / "fc2", x, options.classes);
}

// Harley 2015.
Value digits(const Scope& scope, Value x, const ZooOptions& options) {
  x = relu(conv(scope / "conv1", x, {.filters = 6, .kernel = 5}));   // 28x28x6
  x = max_pool(scope / "pool1", x, {.kernel = 2});                   // 14x14x6
  x = relu(conv(scope / "conv2", x, {.filters = 16, .kernel = 5}));  // 10x10x16
  x = max_pool(scope / "pool2", x, {.kernel = 2});                   // 5x5x16
  x = relu(dense(scope / "fc1", flatten(x), 120));
  x = relu(dense(scope / "fc2", x, 100));
  return dense(scope / "fc3", x, options.classes);
}

}  // namespace

std::vector<ZooEntry> lenet() {
  return {{"lenet5",
           lenet5,
           {32, 32, 1},
           10,
           Initializer::xavier_uniform,
           0.05,
           "LeCun et al. 1998, gradient-based learning"},
          {"digits",
           digits,
           {32, 32, 1},
           10,
           Initializer::he_normal,
           0.01,
           "Harley 2015, interactive node-link visualization of CNNs"}};
}

}  // namespace fovea::zoo
