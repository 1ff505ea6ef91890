#pragma once

#include <array>
#include <cstdint>

#include "fovea/zoo.h"

// What the networks made of residual blocks (He et al. 2016) share. resnet.cpp says whose names these are.
namespace fovea::zoo {

struct ResNetBlock;

struct ResNetConfig {
  std::array<int, 4> depths{};  // blocks in each stage
  Value (*block)(const Scope& scope, Value x, const ResNetBlock& block) = nullptr;
  int64_t groups = 1;
  int64_t group_width = 64;       // filters in a group of the first stage
  double squeeze = 0;             // squeeze and excitation's share of the channels; 0: none
  int64_t deep_stem = 0;          // filters of three 3x3 convolutions in place of the 7x7, the last has twice as many
  bool average_shortcut = false;  // a strided shortcut averages 2x2 pixels and then convolves
  bool conv_pool = false;         // a strided convolution in place of the maximum after the stem
  int64_t shortcut_kernel = 1;    // of a strided shortcut
  int64_t narrow_first = 1;       // what the filters of a bottleneck's first 1x1 are divided by
  double drop_rate = 0;           // before the last layer
  bool dilated = false;           // bottlenecks of the last two stages dilate instead of striding
  // Joins a shortcut and its branch; null: their sum.
  Value (*join)(const Scope& scope, Value shortcut, Value branch) = nullptr;
};

struct ResNetBlock {
  int64_t filters;
  int64_t stride;
  int64_t dilation;
  const ResNetConfig& config;
};

// 3x3, 3x3
Value basic_block(const Scope& scope, Value x, const ResNetBlock& block);
// 1x1 down, 3x3, 1x1 up to four times the filters
Value bottleneck(const Scope& scope, Value x, const ResNetBlock& block);

Value resnet_stem(const Scope& scope, Value x, const ResNetConfig& config);
// What each stage gives. Each has twice the filters of the one before, and all but the first halve the picture. A stage
// without blocks gives what it gets.
std::array<Value, 4> resnet_stages(const Scope& scope, Value x, const ResNetConfig& config, int64_t filters);

// For CIFAR (He et al. 2016, section 4.2): three stages after one 3x3 convolution of 16 filters; with n basic blocks in
// each 6n + 2 layers.
ZooBuilder cifar_resnet(const ResNetConfig& config);

}  // namespace fovea::zoo
