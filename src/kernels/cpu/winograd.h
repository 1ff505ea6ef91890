#pragma once

#include <cstddef>
#include <optional>

#include "fovea/tensor.h"
#include "kernels/conv_shape.h"
#include "kernels/cpu/epilogue.h"
#include "kernels/cpu/winograd_shape.h"
#include "kernels/cpu/winograd_transforms.h"
#include "kernels/cpu/winograd_weight_gradient.h"

// 3x3 convolution of stride 1 by Winograd's F(4x4, 3x3), in blocks of tiles whose transforms stay in the second cache.
// A. Lavin, S. Gray: Fast Algorithms for Convolutional Neural Networks, 2015.
namespace fovea::cpu {

// One direction: the forward pass, or the input gradient, which is the convolution of the output gradient with the
// turned weights.
class WinogradPass {
 public:
  explicit WinogradPass(const WinogradShape& shape);

  void load(const WinogradWeights& weights);
  size_t scratch() const;  // floats
  void run(const float* x, const Epilogue& epilogue, float* y, float* scratch) const;

 private:
  size_t block_scratch() const;
  void run_blocks(const float* x, const Epilogue& epilogue, float* y, float* scratch) const;
  void run_phases(const float* x, const Epilogue& epilogue, float* y, float* scratch) const;

  WinogradShape shape_;
  Panels panels_;        // of the filters
  int64_t block_tiles_;  // of all blocks but the last
  int64_t blocks_;
  int64_t slots_;   // blocks worked on at a time
  Tensor filters_;  // [product][panel][channel][filter]
};

class Winograd {
 public:
  // Whether it is expected to be faster than the implicit matrix multiplication of conv.h.
  static bool suits(const ConvShape& shape);

  Winograd(const ConvShape& shape, bool for_input_gradient, bool for_weight_gradient);

  void load(const float* weight);  // PyTorch's order
  bool packs() const { return true; }
  const char* name() const { return "winograd: 4x4 outputs of 3x3 windows"; }

  size_t scratch() const;  // floats, for each of the following
  void forward(const float* x, const Epilogue& epilogue, float* y, float* scratch) const;
  // The transposed convolution, which is the input's gradient, and the epilogue.
  void transposed(const float* dy, const Epilogue& epilogue, float* dx, float* scratch) const;
  void input_gradient(const float* dy, float* dx, float* scratch) const { transposed(dy, {}, dx, scratch); }
  // dbias may be null.
  void weight_gradient(const float* x, const float* dy, float* dweight, float* dbias, float* scratch) const;

 private:
  int64_t channels_;
  WinogradPass forward_;
  std::optional<WinogradPass> input_gradient_;
  std::optional<WinogradWeightGradient> weight_gradient_;
};

}  // namespace fovea::cpu
