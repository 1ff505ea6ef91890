#pragma once

#include <cstdint>

#include "fovea/tensor.h"
#include "kernels/cpu/dense.h"

namespace fovea {

// Makes matrices of one shape nearly orthogonal by Newton and Schulz's iteration: replaces u = U S V^T by about U V^T,
// with singular values between about 0.7 and 1.2. include/fovea/optim.h has the formula (Muon).
class Orthogonaliser {
 public:
  Orthogonaliser(int64_t rows, int64_t columns);

  // u {rows, columns}, overwritten.
  void run(float* u);

 private:
  void iterate();

  int64_t rows_, columns_;
  int64_t short_, long_;  // x {short, long} is u, or its transpose where that is wider
  cpu::Dense by_wide_;    // a = x x^T, and b x
  cpu::Dense by_square_;  // a a^T
  Tensor x_, next_, a_, b_;
};

}  // namespace fovea
