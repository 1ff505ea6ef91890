// Inception v4 (Szegedy et al. 2017, figures 3 to 9). Names are timm's. Shapes are for inputs of 299x299.
#include <fmt/format.h>

#include <vector>

#include "zoo/blocks.h"
#include "zoo/networks.h"

namespace fovea::zoo {

namespace {

Value pool_branch(const Scope& scope, Value x, int64_t filters) {
  x = avg_pool(x, {.kernel = 3, .stride = 1, .padding = 1, .count_include_pad = false});
  return basic_conv(scope / "1", x, {.filters = filters});
}

// Figure 3.
Value stem(const Scope& features, Value x) {
  x = basic_conv(features / "0", x, reduction(32));                 // 149x149
  x = basic_conv(features / "1", x, {.filters = 32, .kernel = 3});  // 147x147
  x = basic_conv(features / "2", x, window(64, 3));
  x = concatenate({max_pool(x, reduction_pool), basic_conv(features / "3.conv", x, reduction(96))});  // 73x73
  const Value a = basic_convs(features / "4.branch0", x, {{.filters = 64}, {.filters = 96, .kernel = 3}});
  const Value b = basic_convs(features / "4.branch1", x,
                              {{.filters = 64}, row(64, 7), column(64, 7), {.filters = 96, .kernel = 3}});
  x = concatenate({a, b});                                                                                // 71x71
  return concatenate({basic_conv(features / "5.conv", x, reduction(192)), max_pool(x, reduction_pool)});  // 35x35x384
}

// Figure 4.
Value inception_a(const Scope& scope, Value x) {
  return concatenate({basic_conv(scope / "branch0", x, {.filters = 96}),
                      basic_convs(scope / "branch1", x, {{.filters = 64}, window(96, 3)}),
                      basic_convs(scope / "branch2", x, {{.filters = 64}, window(96, 3), window(96, 3)}),
                      pool_branch(scope / "branch3", x, 96)});
}

// Figure 7.
Value reduction_a(const Scope& scope, Value x) {
  return concatenate({basic_conv(scope / "branch0", x, reduction(384)),
                      basic_convs(scope / "branch1", x, {{.filters = 192}, window(224, 3), reduction(256)}),
                      max_pool(x, reduction_pool)});
}

// Figure 5.
Value inception_b(const Scope& scope, Value x) {
  return concatenate(
      {basic_conv(scope / "branch0", x, {.filters = 384}),
       basic_convs(scope / "branch1", x, {{.filters = 192}, row(224, 7), column(256, 7)}),
       basic_convs(scope / "branch2", x, {{.filters = 192}, column(192, 7), row(224, 7), column(224, 7), row(256, 7)}),
       pool_branch(scope / "branch3", x, 128)});
}

// Figure 8.
Value reduction_b(const Scope& scope, Value x) {
  return concatenate(
      {basic_convs(scope / "branch0", x, {{.filters = 192}, reduction(192)}),
       basic_convs(scope / "branch1", x, {{.filters = 256}, row(256, 7), column(320, 7), reduction(320)}),
       max_pool(x, reduction_pool)});
}

// Figure 6: branches 1 and 2 end in a row and a column side by side.
Value inception_c(const Scope& scope, Value x) {
  const Value a = basic_conv(scope / "branch0", x, {.filters = 256});
  Value b = basic_conv(scope / "branch1_0", x, {.filters = 384});
  b = concatenate(
      {basic_conv(scope / "branch1_1a", b, row(256, 3)), basic_conv(scope / "branch1_1b", b, column(256, 3))});
  Value c = basic_conv(scope / "branch2_0", x, {.filters = 384});
  c = basic_conv(scope / "branch2_1", c, column(448, 3));
  c = basic_conv(scope / "branch2_2", c, row(512, 3));
  c = concatenate(
      {basic_conv(scope / "branch2_3a", c, row(256, 3)), basic_conv(scope / "branch2_3b", c, column(256, 3))});
  return concatenate({a, b, c, pool_branch(scope / "branch3", x, 256)});
}

Value network(const Scope& scope, Value x, const ZooOptions& options) {
  const Scope features = scope / "features";
  int number = 6;  // of the module, the stem's counted
  const auto next = [&] { return features / fmt::to_string(number++); };
  x = stem(features, x);
  for (int i = 0; i < 4; ++i) x = inception_a(next(), x);
  x = reduction_a(next(), x);  // 17x17x1024
  for (int i = 0; i < 7; ++i) x = inception_b(next(), x);
  x = reduction_b(next(), x);  // 8x8x1536
  for (int i = 0; i < 3; ++i) x = inception_c(next(), x);
  return dense(scope / "last_linear", dropout(flatten(global_avg_pool(x)), 0.2), options.classes);
}

}  // namespace

std::vector<ZooEntry> inception_v4() {
  return {imagenet("inception_v4", network, "Szegedy et al. 2017, Inception-v4 and the impact of residual connections",
                   299)};
}

}  // namespace fovea::zoo
