#pragma once

#include <cstddef>

#include "kernels/cpu/winograd_shape.h"

// The weight gradient of a 3x3 convolution of stride 1 by Winograd's F(3x3, 4x4): the transposed algorithm of
// F(4x4, 3x3), with products of transformed inputs and transformed output gradients summed over the tiles.
namespace fovea::cpu {

class WinogradWeightGradient {
 public:
  explicit WinogradWeightGradient(const WinogradShape& shape);

  size_t scratch() const;  // floats
  // dweight in PyTorch's order; dbias may be null.
  void run(const float* x, const float* dy, float* dweight, float* dbias, float* scratch) const;

 private:
  WinogradShape shape_;
  Panels panels_;        // of the filters
  int64_t blocks_;       // of tiles, one after the other
  int64_t block_tiles_;  // of all blocks but the last
};

}  // namespace fovea::cpu
