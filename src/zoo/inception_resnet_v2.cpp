// Inception-ResNet v2 (Szegedy et al. 2017, figure 15 on): inception modules as the branches of residual blocks, scaled
// down before they are added. Names are timm's; its first module is Inception v3's, as in the authors' code. Shapes are
// for inputs of 299x299.
#include <fmt/format.h>

#include <vector>

#include "zoo/blocks.h"
#include "zoo/networks.h"

namespace fovea::zoo {

namespace {

// x + scale * (a 1x1 convolution of the branches)
Value residual(const Scope& scope, Value x, const std::vector<Value>& branches, double scale) {
  const Value y = conv(scope / "conv2d", concatenate(branches), {.filters = x.shape().back()});
  return weighted_sum({x, y}, {1, scale});
}

// Figure 16.
Value block35(const Scope& scope, Value x) {
  return relu(residual(scope, x,
                       {basic_conv(scope / "branch0", x, {.filters = 32}),
                        basic_convs(scope / "branch1", x, {{.filters = 32}, window(32, 3)}),
                        basic_convs(scope / "branch2", x, {{.filters = 32}, window(48, 3), window(64, 3)})},
                       0.17));
}

// Figure 17.
Value block17(const Scope& scope, Value x) {
  return relu(residual(scope, x,
                       {basic_conv(scope / "branch0", x, {.filters = 192}),
                        basic_convs(scope / "branch1", x, {{.filters = 128}, row(160, 7), column(192, 7)})},
                       0.1));
}

// Figure 19, without the ReLU after it.
Value block8(const Scope& scope, Value x, double scale) {
  return residual(scope, x,
                  {basic_conv(scope / "branch0", x, {.filters = 192}),
                   basic_convs(scope / "branch1", x, {{.filters = 192}, row(224, 3), column(256, 3)})},
                  scale);
}

Value stem(const Scope& scope, Value x) {
  x = basic_conv(scope / "conv2d_1a", x, reduction(32));                 // 149x149
  x = basic_conv(scope / "conv2d_2a", x, {.filters = 32, .kernel = 3});  // 147x147
  x = basic_conv(scope / "conv2d_2b", x, window(64, 3));
  x = max_pool(scope / "maxpool_3a", x, reduction_pool);  // 73x73
  x = basic_conv(scope / "conv2d_3b", x, {.filters = 80});
  x = basic_conv(scope / "conv2d_4a", x, {.filters = 192, .kernel = 3});  // 71x71
  return max_pool(scope / "maxpool_5a", x, reduction_pool);               // 35x35
}

Value mixed_5b(const Scope& scope, Value x) {
  const Value average = avg_pool(x, {.kernel = 3, .stride = 1, .padding = 1, .count_include_pad = false});
  return concatenate({basic_conv(scope / "branch0", x, {.filters = 96}),
                      basic_convs(scope / "branch1", x, {{.filters = 48}, window(64, 5)}),
                      basic_convs(scope / "branch2", x, {{.filters = 64}, window(96, 3), window(96, 3)}),
                      basic_conv(scope / "branch3.1", average, {.filters = 64})});
}

Value mixed_6a(const Scope& scope, Value x) {
  return concatenate({basic_conv(scope / "branch0", x, reduction(384)),
                      basic_convs(scope / "branch1", x, {{.filters = 256}, window(256, 3), reduction(384)}),
                      max_pool(x, reduction_pool)});
}

// Figure 18.
Value mixed_7a(const Scope& scope, Value x) {
  return concatenate({basic_convs(scope / "branch0", x, {{.filters = 256}, reduction(384)}),
                      basic_convs(scope / "branch1", x, {{.filters = 256}, reduction(288)}),
                      basic_convs(scope / "branch2", x, {{.filters = 256}, window(288, 3), reduction(320)}),
                      max_pool(x, reduction_pool)});
}

Value network(const Scope& scope, Value x, const ZooOptions& options) {
  x = mixed_5b(scope / "mixed_5b", stem(scope, x));
  for (int i = 0; i < 10; ++i) x = block35(scope / fmt::format("repeat.{}", i), x);
  x = mixed_6a(scope / "mixed_6a", x);  // 17x17x1088
  for (int i = 0; i < 20; ++i) x = block17(scope / fmt::format("repeat_1.{}", i), x);
  x = mixed_7a(scope / "mixed_7a", x);  // 8x8x2080
  for (int i = 0; i < 9; ++i) x = relu(block8(scope / fmt::format("repeat_2.{}", i), x, 0.2));
  x = block8(scope / "block8", x, 1);
  x = basic_conv(scope / "conv2d_7b", x, {.filters = 1536});
  return dense(scope / "classif", dropout(flatten(global_avg_pool(x)), 0.2), options.classes);
}

}  // namespace

std::vector<ZooEntry> inception_resnet_v2() {
  return {imagenet("inception_resnet_v2", network,
                   "Szegedy et al. 2017, Inception-v4, Inception-ResNet and residual connections", 299)};
}

}  // namespace fovea::zoo
