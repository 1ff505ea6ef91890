#pragma once

#include <optional>

#include "kernels/cpu/pointwise.h"

namespace fovea {

// What later ops do to an op's output before it reaches memory:
// y = activation(batch_norm(op(x)) + residual), each part optional; a scale may take the place of the batch norm.
struct Tail {
  std::optional<double> batch_norm_epsilon;
  bool scale = false;     // of each channel
  bool residual = false;  // the last input
  cpu::Pointwise activation = cpu::Pointwise::identity;
  float alpha = 0;  // of the activation

  bool folds() const { return batch_norm_epsilon || scale; }
  bool ends() const { return activation != cpu::Pointwise::identity; }
};

}  // namespace fovea
