#pragma once

#include <span>
#include <vector>

#include "fovea/session.h"
#include "fovea/tensor.h"

namespace fovea {

using Gradients = std::vector<std::span<const float>>;  // of each of the model's parameters; empty: not trained

// Gradients of several batches averaged, and limited.
class GradientSum {
 public:
  explicit GradientSum(const Gradients& shapes);

  // The first of `count` batches overwrites what was there.
  void add(const Gradients& gradients, bool first, int64_t count);
  // Scales all so that their common norm is at most `limit`, as torch.nn.utils.clip_grad_norm_ does.
  void clip_norm(double limit);
  void clip_value(double limit);

  const Gradients& gradients() const { return views_; }

 private:
  std::vector<Tensor> sums_;
  Gradients views_;
};

}  // namespace fovea
