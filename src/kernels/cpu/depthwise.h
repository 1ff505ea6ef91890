#pragma once

#include <cstddef>
#include <vector>

#include "kernels/conv_shape.h"
#include "kernels/cpu/epilogue.h"

// Depthwise convolution (groups = channels = filters): every channel has its own window of weights and nothing is
// summed over channels, so channels are the lanes and windows are read in place.
namespace fovea::cpu {

class Depthwise {
 public:
  explicit Depthwise(const ConvShape& shape);

  // Reorders weight {channels, 1, row, column} to [row][column][channel].
  void load(const float* weight);

  void forward(const float* x, const Epilogue& epilogue, float* y) const;
  void input_gradient(const float* dy, float* dx) const;
  size_t weight_gradient_scratch() const;  // floats
  // dbias may be null.
  void weight_gradient(const float* x, const float* dy, float* dweight, float* dbias, float* scratch) const;

 private:
  ConvShape shape_;
  std::vector<float> weights_;
};

}  // namespace fovea::cpu
