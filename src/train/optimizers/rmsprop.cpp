#include <cmath>

#include "train/optimizers/parameter_optimizer.h"

namespace fovea {

namespace {

struct Coefficients {
  float rate;
  AverageFactors alpha;
  float epsilon, momentum, weight_decay;
};

// a is null unless the average gradient is taken off, b without momentum.
template <bool Centered, bool Momentum>
void update_piece(float* __restrict x, float* __restrict s, float* __restrict a, float* __restrict b,
                  const float* __restrict gradient, int64_t count, const Coefficients& c) {
  for (int64_t i = 0; i < count; ++i) {
    const float g = gradient[i] + c.weight_decay * x[i];
    s[i] = c.alpha.keep * s[i] + c.alpha.take * g * g;
    float variance = s[i];
    if constexpr (Centered) {
      a[i] = c.alpha.keep * a[i] + c.alpha.take * g;
      variance -= a[i] * a[i];
      variance = variance > 0 ? variance : 0;  // rounding may leave it below
    }
    const float step = g / (std::sqrt(variance) + c.epsilon);
    if constexpr (Momentum) {
      b[i] = c.momentum * b[i] + step;
      x[i] -= c.rate * b[i];
    } else {
      x[i] -= c.rate * step;
    }
  }
}

std::vector<std::string_view> state_names(const RmsProp& options) {
  std::vector<std::string_view> names = {"square"};
  if (options.centered) names.emplace_back("mean");
  if (options.momentum > 0) names.emplace_back("velocity");
  return names;
}

class RmsPropOptimizer final : public ParameterOptimizer {
 public:
  RmsPropOptimizer(const RmsProp& options, Model& model, std::span<const ParameterScale> scales)
      : ParameterOptimizer(model, scales, state_names(options), options.weight_decay), options_(options) {}

 private:
  void update(std::span<const std::span<const float>> gradients, double learning_rate) override {
    const bool momentum = options_.momentum > 0;
    const auto apply = options_.centered ? (momentum ? update_piece<true, true> : update_piece<true, false>)
                                         : (momentum ? update_piece<false, true> : update_piece<false, false>);
    const size_t velocity = options_.centered ? 2 : 1;
    for_each_piece(gradients, learning_rate, [&](const ParameterPiece& piece) {
      apply(piece.x, piece.state[0], piece.state[1], piece.state[velocity], piece.gradient, piece.count,
            {static_cast<float>(piece.rate), AverageFactors(options_.alpha), static_cast<float>(options_.epsilon),
             static_cast<float>(options_.momentum), static_cast<float>(piece.decay)});
    });
  }

  RmsProp options_;
};

}  // namespace

std::unique_ptr<Optimizer> make_rmsprop(const RmsProp& options, Model& model, std::span<const ParameterScale> scales) {
  constexpr std::string_view name = "RMSProp";
  require_rate(name, options.lr);
  require_average(name, "alpha", options.alpha);
  require_average(name, "momentum", options.momentum);
  require_epsilon(name, options.epsilon);
  require_decay(name, options.weight_decay);
  return std::make_unique<RmsPropOptimizer>(options, model, scales);
}

}  // namespace fovea
