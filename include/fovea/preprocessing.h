#pragma once

#include <vector>

namespace fovea {

// What is done to every picture before the network sees it; part of a saved model, so that predict does the same.
// In this order: convert to `channels` (see to_channels); resize to {height - 2 padding, width - 2 padding} if the size
// differs (see resize); surround with `padding` black pixels (LeNet-5 sees 28x28 digits in a 32x32 frame: padding 2);
// out[c] = (pixel[c] / 255 - mean[c]) / std[c], padding included.
struct Preprocessing {
  int height = 0;  // of the network's input, padding included
  int width = 0;
  int channels = 0;  // 1 or 3
  int padding = 0;
  std::vector<float> mean{};  // per channel, of pixels in [0, 1]
  std::vector<float> std{};   // per channel, > 0

  bool operator==(const Preprocessing&) const = default;
};

}  // namespace fovea
