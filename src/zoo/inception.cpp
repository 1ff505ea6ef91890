// Inception v3 (Szegedy et al. 2016, table 1). Shapes are for inputs of 299x299.
#include "zoo/blocks.h"
#include "zoo/networks.h"

namespace fovea::zoo {

namespace {

Value pool_branch(const Scope& scope, Value x, int64_t filters) {
  return basic_conv(scope, avg_pool(x, {.kernel = 3, .stride = 1, .padding = 1}), {.filters = filters});
}

// Figure 5: 5x5 beside two 3x3.
Value inception_a(const Scope& scope, Value x, int64_t pool_filters) {
  const Value a = basic_conv(scope / "branch1x1", x, {.filters = 64});
  Value b = basic_conv(scope / "branch5x5_1", x, {.filters = 48});
  b = basic_conv(scope / "branch5x5_2", b, window(64, 5));
  Value c = basic_conv(scope / "branch3x3dbl_1", x, {.filters = 64});
  c = basic_conv(scope / "branch3x3dbl_2", c, window(96, 3));
  c = basic_conv(scope / "branch3x3dbl_3", c, window(96, 3));
  return concatenate({a, b, c, pool_branch(scope / "branch_pool", x, pool_filters)});
}

// Figure 10: fewer pixels.
Value inception_b(const Scope& scope, Value x) {
  const Value a = basic_conv(scope / "branch3x3", x, reduction(384));
  Value b = basic_conv(scope / "branch3x3dbl_1", x, {.filters = 64});
  b = basic_conv(scope / "branch3x3dbl_2", b, window(96, 3));
  b = basic_conv(scope / "branch3x3dbl_3", b, reduction(96));
  return concatenate({a, b, max_pool(scope / "pool", x, reduction_pool)});
}

// Figure 6: 7x7 factorised into rows and columns.
Value inception_c(const Scope& scope, Value x, int64_t filters) {
  const Value a = basic_conv(scope / "branch1x1", x, {.filters = 192});
  Value b = basic_conv(scope / "branch7x7_1", x, {.filters = filters});
  b = basic_conv(scope / "branch7x7_2", b, row(filters, 7));
  b = basic_conv(scope / "branch7x7_3", b, column(192, 7));
  Value c = basic_conv(scope / "branch7x7dbl_1", x, {.filters = filters});
  c = basic_conv(scope / "branch7x7dbl_2", c, column(filters, 7));
  c = basic_conv(scope / "branch7x7dbl_3", c, row(filters, 7));
  c = basic_conv(scope / "branch7x7dbl_4", c, column(filters, 7));
  c = basic_conv(scope / "branch7x7dbl_5", c, row(192, 7));
  return concatenate({a, b, c, pool_branch(scope / "branch_pool", x, 192)});
}

// As B, with a 7x7 branch.
Value inception_d(const Scope& scope, Value x) {
  Value a = basic_conv(scope / "branch3x3_1", x, {.filters = 192});
  a = basic_conv(scope / "branch3x3_2", a, reduction(320));
  Value b = basic_conv(scope / "branch7x7x3_1", x, {.filters = 192});
  b = basic_conv(scope / "branch7x7x3_2", b, row(192, 7));
  b = basic_conv(scope / "branch7x7x3_3", b, column(192, 7));
  b = basic_conv(scope / "branch7x7x3_4", b, reduction(192));
  return concatenate({a, b, max_pool(scope / "pool", x, reduction_pool)});
}

// Figure 7: 3x3 factorised into a row and a column side by side.
Value inception_e(const Scope& scope, Value x) {
  const Value a = basic_conv(scope / "branch1x1", x, {.filters = 320});
  const auto spread = [&](const char* row_name, const char* column_name, Value y) {
    return concatenate(
        {basic_conv(scope / row_name, y, row(384, 3)), basic_conv(scope / column_name, y, column(384, 3))});
  };
  const Value b = spread("branch3x3_2a", "branch3x3_2b", basic_conv(scope / "branch3x3_1", x, {.filters = 384}));
  Value c = basic_conv(scope / "branch3x3dbl_1", x, {.filters = 448});
  c = basic_conv(scope / "branch3x3dbl_2", c, window(384, 3));
  c = spread("branch3x3dbl_3a", "branch3x3dbl_3b", c);
  return concatenate({a, b, c, pool_branch(scope / "branch_pool", x, 192)});
}

Value auxiliary_head(const Scope& scope, Value x, int64_t classes) {
  x = avg_pool(x, {.kernel = 5, .stride = 3});  // 5x5
  x = basic_conv(scope / "conv0", x, {.filters = 128});
  x = basic_conv(scope / "conv1", x, {.filters = 768, .kernel = 5});
  return dense(scope / "fc", flatten(global_avg_pool(x)), classes);
}

Value network(const Scope& scope, Value x, const ZooOptions& options) {
  x = basic_conv(scope / "Conv2d_1a_3x3", x, reduction(32));                 // 149x149
  x = basic_conv(scope / "Conv2d_2a_3x3", x, {.filters = 32, .kernel = 3});  // 147x147
  x = basic_conv(scope / "Conv2d_2b_3x3", x, window(64, 3));
  x = max_pool(scope / "maxpool1", x, reduction_pool);  // 73x73
  x = basic_conv(scope / "Conv2d_3b_1x1", x, {.filters = 80});
  x = basic_conv(scope / "Conv2d_4a_3x3", x, {.filters = 192, .kernel = 3});  // 71x71
  x = max_pool(scope / "maxpool2", x, reduction_pool);                        // 35x35
  x = inception_a(scope / "Mixed_5b", x, 32);
  x = inception_a(scope / "Mixed_5c", x, 64);
  x = inception_a(scope / "Mixed_5d", x, 64);
  x = inception_b(scope / "Mixed_6a", x);  // 17x17
  x = inception_c(scope / "Mixed_6b", x, 128);
  x = inception_c(scope / "Mixed_6c", x, 160);
  x = inception_c(scope / "Mixed_6d", x, 160);
  x = inception_c(scope / "Mixed_6e", x, 192);
  if (options.aux_logits) {
    scope.graph().add_auxiliary_output(auxiliary_head(scope / "AuxLogits", x, options.classes), 0.4);
  }
  x = inception_d(scope / "Mixed_7a", x);  // 8x8
  x = inception_e(scope / "Mixed_7b", x);
  x = inception_e(scope / "Mixed_7c", x);
  x = flatten(dropout(global_avg_pool(x)));
  return dense(scope / "fc", x, options.classes);
}

}  // namespace

std::vector<ZooEntry> inception() {
  return {with_aux_logits(
      imagenet("inception_v3", network, "Szegedy et al. 2016, rethinking the Inception architecture", 299))};
}

}  // namespace fovea::zoo
