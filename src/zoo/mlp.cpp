// Multilayer perceptron: two hidden layers, 300 and 100 units (LeCun et al. 1998), for any input.
#include "zoo/networks.h"

namespace fovea::zoo {

Value mlp(const Scope& scope, Value x, int64_t classes) {
  x = flatten(x);
  x = relu(dense(scope / "fc1", x, 300));
  x = relu(dense(scope / "fc2", x, 100));
  return dense(scope / "fc3", x, classes);
}

}  // namespace fovea::zoo
