// MobileNetV2 (Sandler et al. 2018, table 2): inverted residuals, wide inside and narrow between.
#include <fmt/format.h>

#include "zoo/blocks.h"
#include "zoo/networks.h"

namespace fovea::zoo {

namespace {

// 1x1 up, 3x3 depthwise, 1x1 down without activation.
Value inverted_residual(const Scope& scope, Value x, int64_t expansion, int64_t filters, int64_t stride) {
  const int64_t width = expansion * x.shape().back();
  int number = 0;
  const auto next = [&] { return scope / fmt::to_string(number++); };
  Value y = x;
  if (expansion > 1) y = relu6(conv_norm(next(), y, {.filters = width}));
  y = relu6(conv_norm(next(), y, depthwise(width, 3, stride)));
  const Scope project = next();
  y = conv_norm(project, next(), y, {.filters = filters});
  return stride == 1 && filters == x.shape().back() ? y + x : y;
}

// A row of table 2.
struct Stage {
  int64_t expansion, filters, blocks, stride;
};

Value network(const Scope& scope, Value x, const ZooOptions& options) {
  constexpr Stage stages[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                              {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
  const auto wide = [&](int64_t filters) { return multiple_of_8(static_cast<double>(filters) * options.width); };
  int number = 0;
  const auto next = [&] { return scope / fmt::format("features.{}", number++); };
  x = relu6(conv_norm(next(), x, window(wide(32), 3, 2)));
  for (const auto& [expansion, filters, blocks, stride] : stages) {
    for (int64_t i = 0; i < blocks; ++i) {
      x = inverted_residual(next() / "conv", x, expansion, wide(filters), i == 0 ? stride : 1);
    }
  }
  x = relu6(conv_norm(next(), x, {.filters = std::max<int64_t>(1280, wide(1280))}));
  return dense(scope / "classifier.1", dropout(flatten(global_avg_pool(x)), 0.2), options.classes);
}

}  // namespace

std::vector<ZooEntry> mobilenet_v2() {
  return {
      with_width(imagenet("mobilenet_v2", network, "Sandler et al. 2018, inverted residuals and linear bottlenecks"))};
}

}  // namespace fovea::zoo
