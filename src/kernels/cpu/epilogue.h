#pragma once

#include <limits>

#include "kernels/cpu/pointwise.h"

namespace fovea::cpu {

// What a convolution or dense layer does to its sums before they leave the registers or the first cache:
// y = activation(sum + bias + residual). Saves one pass over memory for each part.
struct Epilogue {
  const float* bias = nullptr;      // {channels}; null: zeros
  const float* residual = nullptr;  // shaped as y, and may be y itself; null: zeros
  Pointwise activation = Pointwise::identity;
  float alpha = 0;  // of the activation
};

// The activations that limit their input to a range: kernels apply these in registers.
struct Clamp {
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();
};
inline bool is_clamp(Pointwise activation) {
  return activation == Pointwise::identity || activation == Pointwise::relu || activation == Pointwise::relu6;
}
// Of an activation that is not a clamp: no limits, ActivateRow (activation-inl.h) follows.
inline Clamp clamp_of(Pointwise activation) {
  if (activation == Pointwise::relu) return {.low = 0};
  if (activation == Pointwise::relu6) return {.low = 0, .high = 6};
  return {};
}

}  // namespace fovea::cpu
