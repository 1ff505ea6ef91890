#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "fovea/ops.h"

// Blocks that several families share.
namespace fovea::zoo {

using Activation = Value (*)(Value x);

// Convolution without bias and batch normalisation.
inline Value conv_norm(const Scope& conv_scope, const Scope& norm_scope, Value x, ConvOptions options,
                       const BatchNormOptions& norm = {}) {
  options.bias = false;
  return batch_norm(norm_scope, conv(conv_scope, x, options), norm);
}

// The same as members 0 and 1 of `scope`: torchvision's Conv2dNormActivation.
inline Value conv_norm(const Scope& scope, Value x, const ConvOptions& options, const BatchNormOptions& norm = {}) {
  return conv_norm(scope / "0", scope / "1", x, options, norm);
}

// Convolution, normalisation and ReLU of the Inception family.
inline Value basic_conv(const Scope& scope, Value x, const ConvOptions& options) {
  return relu(conv_norm(scope / "conv", scope / "bn", x, options, {.epsilon = 1e-3}));
}

// The same one after the other, "<scope>.0", "<scope>.1" ...
inline Value basic_convs(const Scope& scope, Value x, const std::vector<ConvOptions>& layers) {
  for (size_t i = 0; i < layers.size(); ++i) x = basic_conv(scope / std::to_string(i), x, layers[i]);
  return x;
}

// The windows that halve a picture of the Inception family.
inline ConvOptions reduction(int64_t filters) { return {.filters = filters, .kernel = 3, .stride = 2}; }
constexpr PoolOptions reduction_pool = {.kernel = 3, .stride = 2};

// A window that pads so much that stride 1 keeps the picture's extent.
inline ConvOptions window(int64_t filters, int64_t kernel, int64_t stride = 1) {
  return {.filters = filters, .kernel = kernel, .stride = stride, .padding = kernel / 2};
}

// The same of one row and of one column.
inline ConvOptions row(int64_t filters, int64_t extent) {
  return {.filters = filters, .kernel = {1, extent}, .padding = {0, extent / 2}};
}
inline ConvOptions column(int64_t filters, int64_t extent) {
  return {.filters = filters, .kernel = {extent, 1}, .padding = {extent / 2, 0}};
}

// One filter for each channel.
inline ConvOptions depthwise(int64_t channels, int64_t kernel, int64_t stride = 1) {
  ConvOptions options = window(channels, kernel, stride);
  options.groups = channels;
  return options;
}

// Contrast between maps as in AlexNet (Krizhevsky et al. 2012, section 3.3), whose alpha is not divided by the size.
constexpr LocalResponseNormOptions alexnet_contrast = {.size = 5, .alpha = 5 * 1e-4, .beta = 0.75, .k = 2};

// Squeeze and excitation (Hu et al. 2018): each channel is scaled by what the averages of all of them say.
inline Value squeeze_excitation(const Scope& scope, Value x, int64_t squeezed, Activation activation, Activation gate) {
  Value s = activation(conv(scope / "fc1", global_avg_pool(x), {.filters = squeezed}));
  s = gate(conv(scope / "fc2", s, {.filters = x.shape().back()}));
  return x * s;
}

// The multiple of `divisor` nearest to `channels`, but not more than a tenth below it (Howard et al. 2017, reference
// code).
inline int64_t multiple_of(int64_t divisor, double channels) {
  const double half = 0.5 * static_cast<double>(divisor);
  const int64_t nearest = std::max(divisor, static_cast<int64_t>(channels + half) / divisor * divisor);
  return static_cast<double>(nearest) < 0.9 * channels ? nearest + divisor : nearest;
}
inline int64_t multiple_of_8(double channels) { return multiple_of(8, channels); }

}  // namespace fovea::zoo
