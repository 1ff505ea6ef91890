// VGG (Simonyan & Zisserman 2015, table 1): stages of 3x3 convolutions, each halved by a pool, then three dense layers.
// The forms with batch normalisation are torchvision's. Dense layers see 7x7 pixels whatever the input.
#include <fmt/format.h>

#include <array>

#include "zoo/networks.h"

namespace fovea::zoo {

namespace {

// Numbers of convolutions in the stages: a column of table 1.
using Column = std::array<int, 5>;
constexpr Column A = {1, 1, 2, 2, 2};
constexpr Column B = {2, 2, 2, 2, 2};
constexpr Column D = {2, 2, 3, 3, 3};
constexpr Column E = {2, 2, 4, 4, 4};

Value features(const Scope& scope, Value x, const Column& column, bool normalised) {
  constexpr std::array<int64_t, 5> filters = {64, 128, 256, 512, 512};
  int number = 0;  // of the layer, ReLUs and pools counted
  const auto next = [&] { return scope / fmt::to_string(number++); };
  for (size_t stage = 0; stage < column.size(); ++stage) {
    for (int i = 0; i < column[stage]; ++i) {
      x = conv(next(), x, {.filters = filters[stage], .kernel = 3, .padding = 1});
      if (normalised) x = batch_norm(next(), x);
      x = relu(x);
      ++number;
    }
    x = max_pool(next(), x, {.kernel = 2});
  }
  return x;
}

ZooBuilder network(const Column& column, bool normalised) {
  return [=](const Scope& scope, Value x, const ZooOptions& options) {
    x = features(scope / "features", x, column, normalised);
    x = flatten(adaptive_avg_pool(scope / "avgpool", x, 7));
    x = dropout(relu(dense(scope / "classifier.0", x, 4096)));
    x = dropout(relu(dense(scope / "classifier.3", x, 4096)));
    return dense(scope / "classifier.6", x, options.classes);
  };
}

}  // namespace

std::vector<ZooEntry> vgg() {
  constexpr std::string_view source = "Simonyan & Zisserman 2015, very deep convolutional networks";
  return {imagenet("vgg11", network(A, false), source), imagenet("vgg11_bn", network(A, true), source),
          imagenet("vgg13", network(B, false), source), imagenet("vgg13_bn", network(B, true), source),
          imagenet("vgg16", network(D, false), source), imagenet("vgg16_bn", network(D, true), source),
          imagenet("vgg19", network(E, false), source), imagenet("vgg19_bn", network(E, true), source)};
}

}  // namespace fovea::zoo
