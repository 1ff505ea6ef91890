#include "train/gradient_sum.h"

#include <algorithm>
#include <cmath>

#include "fovea/parallel.h"
#include "train/norms.h"

namespace fovea {

namespace {

constexpr int64_t grain = 1 << 14;  // elements

}  // namespace

GradientSum::GradientSum(const Gradients& shapes) {
  for (const std::span<const float> gradient : shapes) {
    sums_.push_back(gradient.empty() ? Tensor() : make_buffer(gradient.size()));
    views_.push_back(sums_.back().values());
  }
}

void GradientSum::add(const Gradients& gradients, bool first, int64_t count) {
  const auto share = static_cast<float>(1.0 / static_cast<double>(count));
  for (size_t i = 0; i < sums_.size(); ++i) {
    float* const sum = sums_[i].data();
    const float* const gradient = gradients[i].data();
    parallel_for(sums_[i].size(), grain, [&](int64_t begin, int64_t end) {
      for (int64_t k = begin; k < end; ++k) sum[k] = (first ? 0.0F : sum[k]) + share * gradient[k];
    });
  }
}

void GradientSum::clip_norm(double limit) {
  double squares = 0;
  for (const Tensor& sum : sums_) squares += sum_of_squares(sum.values());
  constexpr double torch_epsilon = 1e-6;
  const double scale = limit / (std::sqrt(squares) + torch_epsilon);
  if (!(scale < 1)) return;
  const auto factor = static_cast<float>(scale);
  for (Tensor& sum : sums_) {
    parallel_for(sum.size(), grain, [&](int64_t begin, int64_t end) {
      for (int64_t k = begin; k < end; ++k) sum[k] *= factor;
    });
  }
}

void GradientSum::clip_value(double limit) {
  const auto bound = static_cast<float>(limit);
  for (Tensor& sum : sums_) {
    parallel_for(sum.size(), grain, [&](int64_t begin, int64_t end) {
      for (int64_t k = begin; k < end; ++k) sum[k] = std::clamp(sum[k], -bound, bound);
    });
  }
}

}  // namespace fovea
