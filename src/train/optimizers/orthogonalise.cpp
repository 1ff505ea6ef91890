#include "train/optimizers/orthogonalise.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "fovea/parallel.h"
#include "train/norms.h"

namespace fovea {

namespace {

constexpr int64_t grain = 1 << 14;  // elements

void transpose(const float* from, int64_t rows, int64_t columns, float* to) {
  parallel_for(columns, std::max<int64_t>(1, grain / rows), [&](int64_t first, int64_t last) {
    for (int64_t c = first; c < last; ++c) {
      for (int64_t r = 0; r < rows; ++r) to[c * rows + r] = from[r * columns + c];
    }
  });
}

// y = alpha x + beta y
void combine(Tensor& y, float alpha, const Tensor& x, float beta) {
  parallel_for(y.size(), grain, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) y[i] = alpha * x[i] + beta * y[i];
  });
}

}  // namespace

Orthogonaliser::Orthogonaliser(int64_t rows, int64_t columns)
    : rows_(rows),
      columns_(columns),
      short_(std::min(rows, columns)),
      long_(std::max(rows, columns)),
      by_wide_({.batch = short_, .channels = long_, .units = short_}, true, false),
      by_square_({.batch = short_, .channels = short_, .units = short_}, false, false),
      x_({short_, long_}),
      next_({short_, long_}),
      a_({short_, short_}),
      b_({short_, short_}) {}

void Orthogonaliser::run(float* u) {
  constexpr int iterations = 5;
  const bool turn = rows_ > columns_;
  if (turn) {
    transpose(u, rows_, columns_, x_.data());
  } else {
    std::copy_n(u, x_.size(), x_.data());
  }
  const auto scale = static_cast<float>(1 / (std::sqrt(sum_of_squares(x_.values())) + 1e-7));
  for (float& value : x_.values()) value *= scale;
  for (int i = 0; i < iterations; ++i) iterate();
  if (turn) {
    transpose(x_.data(), short_, long_, u);
  } else {
    std::copy_n(x_.data(), x_.size(), u);
  }
}

// x = 3.4445 x + (-4.7750 a + 2.0315 a a) x: a polynomial of each singular value.
void Orthogonaliser::iterate() {
  by_wide_.load(x_.data());
  by_wide_.forward(x_.data(), {}, a_.data(), nullptr);
  by_square_.load(a_.data());  // a is symmetric
  by_square_.forward(a_.data(), {}, b_.data(), nullptr);
  combine(b_, -4.7750F, a_, 2.0315F);
  by_wide_.input_gradient(b_.data(), next_.data(), nullptr);
  combine(next_, 3.4445F, x_, 1);
  std::swap(x_, next_);
}

}  // namespace fovea
