#pragma once

#include <vector>

#include "fovea/image.h"

namespace fovea {

// What is done to every picture before the network sees it; part of a saved model, so that predict does the same.
// In this order: convert to `channels` (see to_channels); bring to {height - 2 padding, width - 2 padding} if the size
// differs; surround with `padding` black pixels (LeNet-5 sees 28x28 digits in a 32x32 frame: padding 2);
// out[c] = (pixel[c] / 255 - mean[c]) / std[c], padding included.
// Pictures are brought to size by resizing both sides (see resize), or, with shorter_side, by resizing the shorter side
// to that many pixels and cutting out the centre: {height = 224, width = 224, shorter_side = 256, filter = bicubic} is
// how most networks for ImageNet are tested. The cut starts at (side - wanted) / 2, halves rounded to even, as in
// torchvision.
struct Preprocessing {
  int height = 0;  // of the network's input, padding included
  int width = 0;
  int channels = 0;  // 1 or 3
  int padding = 0;
  std::vector<float> mean{};  // per channel, of pixels in [0, 1]
  std::vector<float> std{};   // per channel, > 0
  int shorter_side = 0;       // at least max(height, width) - 2 padding; 0: both sides are resized
  ResizeFilter filter = ResizeFilter::bilinear;

  bool operator==(const Preprocessing&) const = default;
};

}  // namespace fovea
