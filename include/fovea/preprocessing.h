#pragma once

#include <cstdint>
#include <vector>

namespace fovea {

// How a picture becomes a network's input, stored with the model so that predict does what training did:
// convert to `channels` (1 grey, 3 RGB); resize to (height - 2 padding, width - 2 padding) when the size differs;
// surround with `padding` black pixels (LeNet-5 takes 28x28 digits in a 32x32 frame); then per channel
//   (pixel / 255 - mean[c]) / std[c].
struct Preprocessing {
  int64_t height = 0;
  int64_t width = 0;
  int64_t channels = 0;
  int64_t padding = 0;
  std::vector<float> mean{};  // one per channel
  std::vector<float> std{};   // one per channel, positive
};

}  // namespace fovea
