// Multilayer perceptron: two hidden layers, 300 and 100 units (LeCun et al. 1998), for any input.
#include "zoo/networks.h"

namespace fovea::zoo {

namespace {

Value network(const Scope& scope, Value x, const ZooOptions& options) {
  x = flatten(x);
  x = relu(dense(scope / "fc1", x, 300));
  x = relu(dense(scope / "fc2", x, 100));
  return dense(scope / "fc3", x, options.classes);
}

}  // namespace

std::vector<ZooEntry> mlp() {
  return {{"mlp",
           network,
           {28, 28, 1},
           10,
           Initializer::he_normal,
           0.01,
           "LeCun et al. 1998, two hidden layers 784-300-100-10; here with ReLU"}};
}

}  // namespace fovea::zoo
