#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "fovea/image.h"
#include "fovea/model.h"

namespace fovea {

struct StyleOptions {
  int size = 256;  // of the result's longer side; the style is looked at in that size too
  int64_t steps = 200;
  // Parts of the sum that is minimised.
  double content_weight = 1;
  double style_weight = 100;
  double total_variation_weight = 0.02;
  // Names of nodes; empty: the ends of the network's stages, see stage_ends().
  std::vector<std::string> content_layers{}, style_layers{};
  bool from_noise = false;  // start from noise instead of the content
  uint64_t seed = 0;        // of the noise
  // After each step; false ends the work.
  std::function<bool(int64_t step, double loss)> on_step{};
};

struct Styled {
  Image picture;
  double content_loss = 0, style_loss = 0;  // of the result, without weights
  double start_loss = 0, loss = 0;          // the weighted sum, before and after
  int64_t steps = 0, evaluations = 0;
};

// The content of one picture in the style of another (Gatys et al. 2016): the picture x that minimises, by L-BFGS,
//   content_weight mean over layers of |F(x) - F(content)|^2 / |F(content)|^2
//   + style_weight mean over layers of |G(x) - G(style)|^2 / |G(style)|^2 + total_variation_weight TV(x) / samples
// F is a layer's value, {positions, channels}, G = F^T F / positions its Gram matrix. The paper's sums are divided by
// the target's size, so that weights mean the same for every network and layer; TV is the sum of slopes, as in
// MaximizeOptions. The result has the content's proportions.
// Throws Error(usage) for unknown layers, layers without positions and options that make no sense; Error(format) unless
// the network has one input, which its preprocessing fills, or when the layers do not take the size.
Styled transfer_style(Model& model, const Image& content, const Image& style, const StyleOptions& options = {});

// The last node of each extent {H, W} before the layer that gives the scores, from the input on, at most five: relu1_2,
// relu2_2, relu3_3 ... of VGG. All are style layers unless others are named; the last but one is the content layer.
std::vector<std::string> stage_ends(const Graph& graph);

}  // namespace fovea
