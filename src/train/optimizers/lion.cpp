#include <cmath>

#include "train/optimizers/parameter_optimizer.h"

namespace fovea {

namespace {

struct Coefficients {
  float rate;
  AverageFactors beta1, beta2;
  float shrink;
};

void update_piece(float* __restrict x, float* __restrict m, const float* __restrict gradient, int64_t count,
                  const Coefficients& c) {
  for (int64_t i = 0; i < count; ++i) {
    const float g = gradient[i];
    const float direction = c.beta1.keep * m[i] + c.beta1.take * g;
    const float sign = static_cast<float>(direction > 0) - static_cast<float>(direction < 0);
    x[i] = c.shrink * x[i] - c.rate * sign;
    m[i] = c.beta2.keep * m[i] + c.beta2.take * g;
  }
}

class LionOptimizer final : public ParameterOptimizer {
 public:
  LionOptimizer(const Lion& options, Model& model, std::span<const ParameterScale> scales)
      : ParameterOptimizer(model, scales, {"mean"}, options.weight_decay), options_(options) {}

 private:
  void update(std::span<const std::span<const float>> gradients, double learning_rate) override {
    for_each_piece(gradients, learning_rate, [&](const ParameterPiece& piece) {
      update_piece(piece.x, piece.state[0], piece.gradient, piece.count,
                   {static_cast<float>(piece.rate), AverageFactors(options_.beta1), AverageFactors(options_.beta2),
                    static_cast<float>(1 - piece.rate * piece.decay)});
    });
  }

  Lion options_;
};

}  // namespace

std::unique_ptr<Optimizer> make_lion(const Lion& options, Model& model, std::span<const ParameterScale> scales) {
  constexpr std::string_view name = "Lion";
  require_rate(name, options.lr);
  require_average(name, "beta1", options.beta1);
  require_average(name, "beta2", options.beta2);
  require_decay(name, options.weight_decay);
  return std::make_unique<LionOptimizer>(options, model, scales);
}

}  // namespace fovea
