// AlexNet in its single-tower form (Krizhevsky 2014, "One weird trick for parallelizing convolutional neural
// networks"): without local response normalisation and grouped convolutions. Shapes are for inputs of 224x224.
#include "zoo/networks.h"

namespace fovea::zoo {

namespace {

Value network(const Scope& scope, Value x, const ZooOptions& options) {
  const Scope features = scope / "features";
  const Scope classifier = scope / "classifier";
  x = relu(conv(features / "0", x, {.filters = 64, .kernel = 11, .stride = 4, .padding = 2}));  // 55x55
  x = max_pool(features / "2", x, {.kernel = 3, .stride = 2});                                  // 27x27
  x = relu(conv(features / "3", x, {.filters = 192, .kernel = 5, .padding = 2}));
  x = max_pool(features / "5", x, {.kernel = 3, .stride = 2});  // 13x13
  x = relu(conv(features / "6", x, {.filters = 384, .kernel = 3, .padding = 1}));
  x = relu(conv(features / "8", x, {.filters = 256, .kernel = 3, .padding = 1}));
  x = relu(conv(features / "10", x, {.filters = 256, .kernel = 3, .padding = 1}));
  x = max_pool(features / "12", x, {.kernel = 3, .stride = 2});  // 6x6
  x = flatten(adaptive_avg_pool(scope / "avgpool", x, 6));
  x = relu(dense(classifier / "1", dropout(x), 4096));
  x = relu(dense(classifier / "4", dropout(x), 4096));
  return dense(classifier / "6", x, options.classes);
}

}  // namespace

std::vector<ZooEntry> alexnet() {
  return {imagenet("alexnet", network, "Krizhevsky 2014, one weird trick: AlexNet in one tower")};
}

}  // namespace fovea::zoo
