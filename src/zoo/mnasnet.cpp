// MnasNet-B1 (Tan et al. 2019, figure 7 without squeeze and excitation), in torchvision's widths.
#include <fmt/format.h>

#include "zoo/blocks.h"
#include "zoo/networks.h"

namespace fovea::zoo {

namespace {

constexpr BatchNormOptions norm = {.epsilon = 1e-5, .momentum = 1 - 0.9997};

// Member `number` of a sequence in which the normalisation and the ReLU have numbers of their own.
Value member(const Scope& scope, int number, Value x, const ConvOptions& options) {
  return conv_norm(scope / fmt::to_string(number), scope / fmt::to_string(number + 1), x, options, norm);
}

struct Stage {
  int64_t kernel, stride, expansion, blocks, filters;
};

Value inverted_residual(const Scope& scope, Value x, const Stage& stage, int64_t stride, int64_t filters) {
  const int64_t width = stage.expansion * x.shape().back();
  Value y = relu(member(scope, 0, x, {.filters = width}));
  y = relu(member(scope, 3, y, depthwise(width, stage.kernel, stride)));
  y = member(scope, 6, y, {.filters = filters});
  return stride == 1 && filters == x.shape().back() ? y + x : y;
}

ZooBuilder network(double width) {
  return [=](const Scope& scope, Value x, const ZooOptions& options) {
    constexpr Stage stages[] = {{3, 2, 3, 3, 24}, {5, 2, 3, 3, 40},  {5, 2, 6, 3, 80},
                                {3, 1, 6, 2, 96}, {5, 2, 6, 4, 192}, {3, 1, 6, 1, 320}};
    const Scope layers = scope / "layers";
    x = relu(member(layers, 0, x, window(multiple_of_8(32 * width), 3, 2)));
    x = relu(member(layers, 3, x, depthwise(x.shape().back(), 3)));
    x = member(layers, 6, x, {.filters = multiple_of_8(16 * width)});
    int number = 8;
    for (const Stage& stage : stages) {
      const int64_t filters = multiple_of_8(static_cast<double>(stage.filters) * width);
      for (int64_t i = 0; i < stage.blocks; ++i) {
        const Scope block = layers / fmt::format("{}.{}.layers", number, i);
        x = inverted_residual(block, x, stage, i == 0 ? stage.stride : 1, filters);
      }
      ++number;
    }
    x = relu(member(layers, number, x, {.filters = 1280}));
    return dense(scope / "classifier.1", dropout(flatten(global_avg_pool(x)), 0.2), options.classes);
  };
}

}  // namespace

std::vector<ZooEntry> mnasnet() {
  constexpr std::string_view source = "Tan et al. 2019, MnasNet: platform-aware architecture search";
  return {imagenet("mnasnet0_5", network(0.5), source), imagenet("mnasnet0_75", network(0.75), source),
          imagenet("mnasnet1_0", network(1.0), source), imagenet("mnasnet1_3", network(1.3), source)};
}

}  // namespace fovea::zoo
