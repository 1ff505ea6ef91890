// AlexNet in its single-tower form (Krizhevsky 2014, "One weird trick for parallelizing convolutional neural
// networks"), without local response normalisation and grouped convolutions, for inputs of 224x224; and the original
// (Krizhevsky et al. 2012), whose convolutions of two groups ran on two processors, under Caffe's names for inputs of
// 227x227. As in Caffe its 60,965,224 parameters count each tower's connections once.
#include "zoo/blocks.h"
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

Value two_towers(const Scope& scope, Value x, const ZooOptions& options) {
  constexpr PoolOptions halve = {.kernel = 3, .stride = 2};
  const auto grouped = [](ConvOptions window) {
    window.groups = 2;
    return window;
  };
  x = relu(conv(scope / "conv1", x, {.filters = 96, .kernel = 11, .stride = 4}));  // 55x55
  x = max_pool(scope / "pool1", local_response_norm(x, alexnet_contrast), halve);  // 27x27
  x = relu(conv(scope / "conv2", x, grouped(window(256, 5))));
  x = max_pool(scope / "pool2", local_response_norm(x, alexnet_contrast), halve);  // 13x13
  x = relu(conv(scope / "conv3", x, window(384, 3)));
  x = relu(conv(scope / "conv4", x, grouped(window(384, 3))));
  x = relu(conv(scope / "conv5", x, grouped(window(256, 3))));
  x = flatten(max_pool(scope / "pool5", x, halve));  // 6x6
  x = dropout(relu(dense(scope / "fc6", x, 4096)));
  x = dropout(relu(dense(scope / "fc7", x, 4096)));
  return dense(scope / "fc8", x, options.classes);
}

}  // namespace

std::vector<ZooEntry> alexnet() {
  return {
      imagenet("alexnet", network, "Krizhevsky 2014, one weird trick: AlexNet in one tower"),
      imagenet("alexnet_two_tower", two_towers, "Krizhevsky et al. 2012, ImageNet classification with deep CNNs", 227)};
}

}  // namespace fovea::zoo
