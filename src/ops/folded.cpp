#include "ops/folded.h"

#include <cmath>

namespace fovea {

FoldedParameters::FoldedParameters(const Tail* tail, bool bias, int64_t filters, int64_t weights_per_filter)
    : tail_(tail ? *tail : Tail{}), has_bias_(bias), filters_(filters), weights_per_filter_(weights_per_filter) {}

const float* FoldedParameters::load(std::span<const float* const> parameters) {
  const float* const weight = parameters[0];
  if (!tail_.folds()) return weight;
  const float* const bias = has_bias_ ? parameters[1] : nullptr;
  const auto folded = parameters.subspan(has_bias_ ? 2 : 1);
  weight_.resize(static_cast<size_t>(filters_ * weights_per_filter_));
  bias_.resize(static_cast<size_t>(filters_));
  for (int64_t k = 0; k < filters_; ++k) {
    double scale = folded[0][k];
    double mean = 0;
    double shift = 0;
    if (tail_.batch_norm_epsilon) {
      shift = folded[1][k];
      mean = folded[2][k];
      scale /= std::sqrt(folded[3][k] + *tail_.batch_norm_epsilon);
    }
    for (int64_t i = k * weights_per_filter_; i < (k + 1) * weights_per_filter_; ++i) {
      weight_[static_cast<size_t>(i)] = static_cast<float>(weight[i] * scale);
    }
    bias_[static_cast<size_t>(k)] = static_cast<float>(((bias ? bias[k] : 0.0) - mean) * scale + shift);
  }
  return weight_.data();
}

cpu::Epilogue FoldedParameters::epilogue(const Step<float>& step) const {
  cpu::Epilogue epilogue;
  if (tail_.folds()) {
    epilogue.bias = bias_.data();
  } else if (has_bias_) {
    epilogue.bias = step.parameters[1];
  }
  if (tail_.residual) epilogue.residual = step.inputs.back();
  epilogue.activation = tail_.activation;
  epilogue.alpha = tail_.alpha;
  return epilogue;
}

}  // namespace fovea
