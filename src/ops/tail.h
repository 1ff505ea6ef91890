#pragma once

#include <optional>

#include "fovea/quantized_ops.h"
#include "kernels/cpu/pointwise.h"

namespace fovea {

// What later ops do to an op's output before it reaches memory:
// y = quantize(activation(batch_norm(op(x)) + residual)), each part optional; a scale may take the place of the batch
// norm.
struct Tail {
  std::optional<double> batch_norm_epsilon;
  bool scale = false;                               // of each channel
  bool residual = false;                            // the last input
  std::optional<Quantization> residual_bytes = {};  // of a residual that is to be dequantised
  cpu::Pointwise activation = cpu::Pointwise::identity;
  float alpha = 0;                          // of the activation
  std::optional<Quantization> output = {};  // of bytes

  bool folds() const { return batch_norm_epsilon || scale; }
  bool ends() const { return activation != cpu::Pointwise::identity || output; }
  bool is_real() const { return !residual_bytes && !output; }  // no bytes are involved
};

}  // namespace fovea
