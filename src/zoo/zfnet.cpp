// ZFNet (Zeiler & Fergus 2014, figure 3): AlexNet with smaller and denser first windows, and with 512, 1024 and 512
// maps in the last three convolutions (table 2, the best single network). Names are those of AlexNet in Caffe. Shapes
// are for inputs of 224x224.
#include "zoo/blocks.h"
#include "zoo/networks.h"

namespace fovea::zoo {

namespace {

Value network(const Scope& scope, Value x, const ZooOptions& options) {
  constexpr PoolOptions halve = {.kernel = 3, .stride = 2, .padding = 1};
  x = relu(conv(scope / "conv1", x, {.filters = 96, .kernel = 7, .stride = 2, .padding = 1}));  // 110x110
  x = local_response_norm(max_pool(scope / "pool1", x, halve), alexnet_contrast);               // 55x55
  x = relu(conv(scope / "conv2", x, {.filters = 256, .kernel = 5, .stride = 2}));               // 26x26
  x = local_response_norm(max_pool(scope / "pool2", x, halve), alexnet_contrast);               // 13x13
  x = relu(conv(scope / "conv3", x, window(512, 3)));
  x = relu(conv(scope / "conv4", x, window(1024, 3)));
  x = relu(conv(scope / "conv5", x, window(512, 3)));
  x = flatten(max_pool(scope / "pool5", x, {.kernel = 3, .stride = 2}));  // 6x6
  x = dropout(relu(dense(scope / "fc6", x, 4096)));
  x = dropout(relu(dense(scope / "fc7", x, 4096)));
  return dense(scope / "fc8", x, options.classes);
}

}  // namespace

std::vector<ZooEntry> zfnet() {
  return {imagenet("zfnet", network, "Zeiler & Fergus 2014, visualizing and understanding convolutional networks")};
}

}  // namespace fovea::zoo
