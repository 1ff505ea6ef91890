// TinyVGG, under the names that CNN Explainer gives its layers (Wang et al. 2020). Shapes are for inputs of 64x64.
#include <fmt/format.h>

#include "zoo/networks.h"

namespace fovea::zoo {

namespace {

Value conv_relu(const Scope& scope, Value x, int block, int layer) {
  x = conv(scope / fmt::format("conv_{}_{}", block, layer), x, {.filters = 10, .kernel = 3});
  const Scope name = scope / fmt::format("relu_{}_{}", block, layer);
  return x.graph().add(name.path(), make_op("relu", {}), {x});
}

Value block(const Scope& scope, Value x, int number) {
  x = conv_relu(scope, x, number, 1);
  x = conv_relu(scope, x, number, 2);
  return max_pool(scope / fmt::format("max_pool_{}", number), x, {.kernel = 2});
}

Value network(const Scope& scope, Value x, const ZooOptions& options) {
  x = block(scope, x, 1);  // 30x30x10
  x = block(scope, x, 2);  // 13x13x10
  return dense(scope / "output", flatten(x), options.classes);
}

}  // namespace

std::vector<ZooEntry> tinyvgg() {
  return {{"tinyvgg", network, {64, 64, 3}, 10, Initializer::he_normal, 0.01, "Wang et al. 2020, CNN Explainer"}};
}

}  // namespace fovea::zoo
