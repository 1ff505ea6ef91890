// SqueezeNet (Iandola et al. 2016, table 1 and the smaller 1.1 of the authors' repository): fire modules squeeze with
// 1x1 convolutions, then expand with 1x1 and 3x3 ones side by side. No dense layer.
#include "zoo/networks.h"

namespace fovea::zoo {

namespace {

Value fire(const Scope& scope, Value x, int64_t squeeze, int64_t expand) {
  x = relu(conv(scope / "squeeze", x, {.filters = squeeze}));
  return concatenate({relu(conv(scope / "expand1x1", x, {.filters = expand})),
                      relu(conv(scope / "expand3x3", x, {.filters = expand, .kernel = 3, .padding = 1}))});
}

constexpr PoolOptions halve = {.kernel = 3, .stride = 2, .ceil_mode = true};

Value classifier(const Scope& scope, Value x, int64_t classes) {
  x = relu(conv(scope / "1", dropout(x), {.filters = classes}));
  return flatten(global_avg_pool(x));
}

// Shapes are for inputs of 224x224.
Value squeezenet1_0(const Scope& scope, Value x, const ZooOptions& options) {
  const Scope features = scope / "features";
  x = relu(conv(features / "0", x, {.filters = 96, .kernel = 7, .stride = 2}));  // 109x109
  x = max_pool(features / "2", x, halve);                                        // 54x54
  x = fire(features / "3", x, 16, 64);
  x = fire(features / "4", x, 16, 64);
  x = fire(features / "5", x, 32, 128);
  x = max_pool(features / "6", x, halve);  // 27x27
  x = fire(features / "7", x, 32, 128);
  x = fire(features / "8", x, 48, 192);
  x = fire(features / "9", x, 48, 192);
  x = fire(features / "10", x, 64, 256);
  x = max_pool(features / "11", x, halve);  // 13x13
  x = fire(features / "12", x, 64, 256);
  return classifier(scope / "classifier", x, options.classes);
}

Value squeezenet1_1(const Scope& scope, Value x, const ZooOptions& options) {
  const Scope features = scope / "features";
  x = relu(conv(features / "0", x, {.filters = 64, .kernel = 3, .stride = 2}));  // 111x111
  x = max_pool(features / "2", x, halve);                                        // 55x55
  x = fire(features / "3", x, 16, 64);
  x = fire(features / "4", x, 16, 64);
  x = max_pool(features / "5", x, halve);  // 27x27
  x = fire(features / "6", x, 32, 128);
  x = fire(features / "7", x, 32, 128);
  x = max_pool(features / "8", x, halve);  // 13x13
  x = fire(features / "9", x, 48, 192);
  x = fire(features / "10", x, 48, 192);
  x = fire(features / "11", x, 64, 256);
  x = fire(features / "12", x, 64, 256);
  return classifier(scope / "classifier", x, options.classes);
}

}  // namespace

std::vector<ZooEntry> squeezenet() {
  return {imagenet("squeezenet1_0", squeezenet1_0, "Iandola et al. 2016, SqueezeNet"),
          imagenet("squeezenet1_1", squeezenet1_1, "Iandola et al. 2016, SqueezeNet 1.1: 2.4 times less computation")};
}

}  // namespace fovea::zoo
