// GoogLeNet (Szegedy et al. 2015, table 1) as torchvision has it: with batch normalisation, and with 3x3 where the
// paper has 5x5 convolutions; and with squeeze and excitation after each module (Hu et al. 2018, figure 2). Shapes are
// for inputs of 224x224.
#include "zoo/blocks.h"
#include "zoo/networks.h"

namespace fovea::zoo {

namespace {

// Filters of the branches; "reduce" stands for 1x1 convolutions before larger ones.
struct Filters {
  int64_t conv1x1, reduce3x3, conv3x3, reduce5x5, conv5x5, pool;
};

using Module = Value (*)(const Scope& scope, Value x, const Filters& filters);

Value inception(const Scope& scope, Value x, const Filters& filters) {
  const Value a = basic_conv(scope / "branch1", x, {.filters = filters.conv1x1});
  Value b = basic_conv(scope / "branch2.0", x, {.filters = filters.reduce3x3});
  b = basic_conv(scope / "branch2.1", b, {.filters = filters.conv3x3, .kernel = 3, .padding = 1});
  Value c = basic_conv(scope / "branch3.0", x, {.filters = filters.reduce5x5});
  c = basic_conv(scope / "branch3.1", c, {.filters = filters.conv5x5, .kernel = 3, .padding = 1});
  Value d = max_pool(scope / "branch4.0", x, {.kernel = 3, .stride = 1, .padding = 1, .ceil_mode = true});
  d = basic_conv(scope / "branch4.1", d, {.filters = filters.pool});
  return concatenate({a, b, c, d});
}

Value se_inception(const Scope& scope, Value x, const Filters& filters) {
  x = inception(scope, x, filters);
  return squeeze_excitation(scope / "se", x, x.shape().back() / 16, relu, sigmoid);
}

// Section 5: a classifier of what a middle module gives.
void add_auxiliary_head(const Scope& scope, Value x, int64_t classes) {
  x = basic_conv(scope / "conv", adaptive_avg_pool(scope / "pool", x, 4), {.filters = 128});
  x = dropout(relu(dense(scope / "fc1", flatten(x), 1024)), 0.7);
  scope.graph().add_auxiliary_output(dense(scope / "fc2", x, classes), 0.3);
}

template <Module module>
Value network(const Scope& scope, Value x, const ZooOptions& options) {
  constexpr PoolOptions halve = {.kernel = 3, .stride = 2, .ceil_mode = true};
  x = basic_conv(scope / "conv1", x, {.filters = 64, .kernel = 7, .stride = 2, .padding = 3});  // 112x112
  x = max_pool(scope / "maxpool1", x, halve);                                                   // 56x56
  x = basic_conv(scope / "conv2", x, {.filters = 64});
  x = basic_conv(scope / "conv3", x, {.filters = 192, .kernel = 3, .padding = 1});
  x = max_pool(scope / "maxpool2", x, halve);  // 28x28
  x = module(scope / "inception3a", x, {64, 96, 128, 16, 32, 32});
  x = module(scope / "inception3b", x, {128, 128, 192, 32, 96, 64});
  x = max_pool(scope / "maxpool3", x, halve);  // 14x14
  x = module(scope / "inception4a", x, {192, 96, 208, 16, 48, 64});
  if (options.aux_logits) add_auxiliary_head(scope / "aux1", x, options.classes);
  x = module(scope / "inception4b", x, {160, 112, 224, 24, 64, 64});
  x = module(scope / "inception4c", x, {128, 128, 256, 24, 64, 64});
  x = module(scope / "inception4d", x, {112, 144, 288, 32, 64, 64});
  if (options.aux_logits) add_auxiliary_head(scope / "aux2", x, options.classes);
  x = module(scope / "inception4e", x, {256, 160, 320, 32, 128, 128});
  x = max_pool(scope / "maxpool4", x, {.kernel = 2, .ceil_mode = true});  // 7x7
  x = module(scope / "inception5a", x, {256, 160, 320, 32, 128, 128});
  x = module(scope / "inception5b", x, {384, 192, 384, 48, 128, 128});
  x = dropout(flatten(global_avg_pool(x)), 0.2);
  return dense(scope / "fc", x, options.classes);
}

}  // namespace

std::vector<ZooEntry> googlenet() {
  return {
      with_aux_logits(imagenet("googlenet", network<inception>, "Szegedy et al. 2015, going deeper with convolutions")),
      with_aux_logits(
          imagenet("se_googlenet", network<se_inception>, "Hu et al. 2018, squeeze-and-excitation: SE-Inception"))};
}

}  // namespace fovea::zoo
