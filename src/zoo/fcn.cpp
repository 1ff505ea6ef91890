// Fully convolutional networks for segmentation: scores of every pixel, {N, H, W, classes}. On ResNet with dilated last
// stages as torchvision has them (fcn_resnet50), with the auxiliary head if asked for; and on VGG-16 (Long et al. 2015,
// figure 3), where finer stages correct the coarse scores, under the authors' names; pictures are padded where windows
// need it rather than by 100 pixels.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "zoo/blocks.h"
#include "zoo/networks.h"
#include "zoo/resnet.h"

namespace fovea::zoo {

namespace {

Value enlarged(Value x, const Shape& like) {
  return resize(x, {.size = {like[1], like[2]}, .method = Interpolation::linear});
}

Value head(const Scope& scope, Value x, int64_t classes) {
  x = relu(conv_norm(scope, x, window(x.shape().back() / 4, 3)));
  return conv(scope / "4", dropout(x, 0.1), {.filters = classes});
}

ZooBuilder on_resnet(const std::array<int, 4>& depths) {
  return [=](const Scope& scope, Value x, const ZooOptions& options) {
    const ResNetConfig config = {.depths = depths, .block = bottleneck, .dilated = true};
    const Scope backbone = scope / "backbone";
    const std::array<Value, 4> stages = resnet_stages(backbone, resnet_stem(backbone, x, config), config, 64);
    if (options.aux_logits) {
      const Value scores = head(scope / "aux_classifier", stages[2], options.classes);
      scope.graph().add_auxiliary_output(enlarged(scores, x.shape()), 0.5);
    }
    return enlarged(head(scope / "classifier", stages[3], options.classes), x.shape());
  };
}

// Section 3.3: `factor` times as many pixels by a transposed convolution that is learned, cut to the extent of `like`.
Value upsampled(const Scope& scope, Value x, int64_t factor, const Shape& like) {
  const Shape& shape = x.shape();
  const Extents surplus(factor / 2 + factor * shape[1] - like[1], factor / 2 + factor * shape[2] - like[2]);
  return conv_transpose(scope, x,
                        {.filters = shape.back(),
                         .kernel = 2 * factor,
                         .stride = factor,
                         .padding = Padding::sides(factor / 2, surplus),
                         .bias = false});
}

// Each class by itself: pixel a of a window of twice the factor weighs 1 - |a - centre| / factor.
void fill_bilinear(Tensor& weight) {
  const int64_t classes = weight.shape()[0];
  const int64_t extent = weight.shape()[2];
  const auto share = [&](int64_t a) {
    return 1 - std::abs(2 * static_cast<double>(a) + 1 - static_cast<double>(extent)) / static_cast<double>(extent);
  };
  std::ranges::fill(weight.values(), 0.0F);
  for (int64_t k = 0; k < classes; ++k) {
    for (int64_t a = 0; a < extent; ++a) {
      for (int64_t b = 0; b < extent; ++b) {
        weight[((k * classes + k) * extent + a) * extent + b] = static_cast<float>(share(a) * share(b));
      }
    }
  }
}

// Section 4.1 and 3.3: upsampling starts as bilinear interpolation, scores at zero.
void start_bilinear(Model& model) {
  for (size_t i = 0; i < model.parameters().size(); ++i) {
    const std::string& name = model.graph().parameters()[i].name;
    if (name.starts_with("upscore")) fill_bilinear(model.parameters()[i]);
    if (name.starts_with("score")) std::ranges::fill(model.parameters()[i].values(), 0.0F);
  }
}

// The last of a stage of 3x3 convolutions "conv<number>_1", "conv<number>_2" ... and its pool.
Value vgg_stage(const Scope& scope, Value x, int number, int convolutions, int64_t filters) {
  for (int i = 1; i <= convolutions; ++i)
    x = relu(conv(scope / fmt::format("conv{}_{}", number, i), x, window(filters, 3)));
  return max_pool(scope / fmt::format("pool{}", number), x, {.kernel = 2, .ceil_mode = true});
}

// `stride`: 32 for the coarse scores alone, 16 with those of pool4, 8 with those of pool3 too.
ZooBuilder on_vgg(int stride) {
  return [=](const Scope& scope, Value x, const ZooOptions& options) {
    Value y = vgg_stage(scope, vgg_stage(scope, x, 1, 2, 64), 2, 2, 128);
    const Value pool3 = vgg_stage(scope, y, 3, 3, 256);
    const Value pool4 = vgg_stage(scope, pool3, 4, 3, 512);
    y = vgg_stage(scope, pool4, 5, 3, 512);
    y = dropout(relu(conv(scope / "fc6", y, window(4096, 7))));
    y = dropout(relu(conv(scope / "fc7", y, {.filters = 4096})));
    y = conv(scope / "score_fr", y, {.filters = options.classes});
    const auto refine = [&](const char* up, const char* score, Value finer) {
      return upsampled(scope / up, y, 2, finer.shape()) + conv(scope / score, finer, {.filters = options.classes});
    };
    if (stride <= 16) y = refine("upscore2", "score_pool4", pool4);
    if (stride <= 8) y = refine("upscore_pool4", "score_pool3", pool3);
    return upsampled(scope / (stride == 32 ? "upscore" : fmt::format("upscore{}", stride)), y, stride, x.shape());
  };
}

// A small one in the manner of FCN-8s, for pictures of a few hundred pixels: of each stage, as fine as the picture
// first, two convolutions; coming back, each finer stage is added to what was enlarged. Batch norm instead of
// pretraining.
Value mini(const Scope& scope, Value x, const ZooOptions& options) {
  constexpr std::array<int64_t, 4> filters = {24, 48, 96, 192};
  std::array<Value, 4> stages;
  Value y = x;
  for (size_t i = 0; i < filters.size(); ++i) {
    const Scope stage = scope / fmt::format("stage{}", i + 1);
    if (i > 0) y = max_pool(stage / "pool", y, {.kernel = 2, .ceil_mode = true});
    y = relu(conv_norm(stage / "0", y, window(filters[i], 3)));
    y = stages[i] = relu(conv_norm(stage / "1", y, window(filters[i], 3)));
  }
  for (size_t i = filters.size() - 1; i-- > 0;) {
    const Scope skip = scope / fmt::format("skip{}", i + 1);
    y = enlarged(relu(conv_norm(skip / "narrow", y, {.filters = filters[i]})), stages[i].shape()) + stages[i];
    y = relu(conv_norm(skip / "join", y, window(filters[i], 3)));
  }
  return conv(scope / "score", y, {.filters = options.classes});
}

// Of the 20 classes of Pascal VOC and the background.
ZooEntry row(std::string_view name, ZooBuilder build, std::string_view source) {
  ZooEntry entry = imagenet(name, std::move(build), source);
  entry.classes = 21;
  return entry;
}

}  // namespace

std::vector<ZooEntry> fcn() {
  constexpr std::string_view source = "Long et al. 2015, fully convolutional networks for semantic segmentation";
  return {with_aux_logits(row("fcn_resnet50", on_resnet({3, 4, 6, 3}), source)),
          with_aux_logits(row("fcn_resnet101", on_resnet({3, 4, 23, 3}), source)),
          starting(row("fcn32s_vgg16", on_vgg(32), source), start_bilinear),
          starting(row("fcn16s_vgg16", on_vgg(16), source), start_bilinear),
          starting(row("fcn8s_vgg16", on_vgg(8), source), start_bilinear),
          row("fcn_mini", mini, "after Long et al. 2015, at a hundredth of the cost")};
}

}  // namespace fovea::zoo
