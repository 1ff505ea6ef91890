#include "ops/folded.h"

#include <cmath>

#include "fovea/parallel.h"

namespace fovea {

FoldedParameters::FoldedParameters(const Tail* tail, bool bias, int64_t filters, int64_t weights_per_filter)
    : tail_(tail ? *tail : Tail{}), has_bias_(bias), filters_(filters), weights_per_filter_(weights_per_filter) {}

const float* FoldedParameters::load(std::span<const float* const> parameters, Tensor& buffer) {
  const float* const weight = parameters[0];
  if (!tail_.folds()) return weight;
  const float* const bias = has_bias_ ? parameters[1] : nullptr;
  const auto folded = parameters.subspan(has_bias_ ? 2 : 1);
  const int64_t weights = filters_ * weights_per_filter_;
  if (buffer.size() < weights) {
    buffer = {};
    buffer = make_buffer(static_cast<size_t>(weights));
  }
  bias_.resize(static_cast<size_t>(filters_));
  constexpr int64_t elements_per_chunk = 32768;
  parallel_for(filters_, elements_per_chunk / (weights_per_filter_ + 1) + 1, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      double scale = folded[0][k];
      double mean = 0;
      double shift = 0;
      if (tail_.batch_norm_epsilon) {
        shift = folded[1][k];
        mean = folded[2][k];
        scale /= std::sqrt(folded[3][k] + *tail_.batch_norm_epsilon);
      }
      const float* const from = weight + k * weights_per_filter_;
      float* const to = buffer.data() + k * weights_per_filter_;
      for (int64_t i = 0; i < weights_per_filter_; ++i) to[i] = static_cast<float>(from[i] * scale);
      bias_[static_cast<size_t>(k)] = static_cast<float>(((bias ? bias[k] : 0.0) - mean) * scale + shift);
    }
  });
  return buffer.data();
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
