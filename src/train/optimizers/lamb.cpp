#include <cmath>

#include "train/norms.h"
#include "train/optimizers/parameter_optimizer.h"

namespace fovea {

namespace {

struct Coefficients {
  AverageFactors beta1, beta2;
  float correction1, correction2;  // 1 / (1 - beta1^t), 1 / (1 - beta2^t)
  float epsilon;
  float weight_decay;
};

// Writes the direction r, which the norms decide how far to follow.
void find_direction(const float* __restrict x, float* __restrict m, float* __restrict s, float* __restrict r,
                    const float* __restrict gradient, int64_t count, const Coefficients& c) {
  for (int64_t i = 0; i < count; ++i) {
    const float g = gradient[i];
    m[i] = c.beta1.keep * m[i] + c.beta1.take * g;
    s[i] = c.beta2.keep * s[i] + c.beta2.take * g * g;
    r[i] = m[i] * c.correction1 / (std::sqrt(s[i] * c.correction2) + c.epsilon) + c.weight_decay * x[i];
  }
}

class LambOptimizer final : public ParameterOptimizer {
 public:
  LambOptimizer(const Lamb& options, Model& model, std::span<const ParameterScale> scales)
      : ParameterOptimizer(model, scales, {"mean", "square", "direction"}, options.weight_decay), options_(options) {}

  std::vector<OptimizerTensor> state() override {
    std::vector<OptimizerTensor> tensors = ParameterOptimizer::state();
    // Directions live for one update only.
    std::erase_if(tensors, [](const OptimizerTensor& item) { return item.name.starts_with("direction."); });
    return tensors;
  }

 private:
  void update(std::span<const std::span<const float>> gradients, double learning_rate) override {
    const auto t = static_cast<double>(steps());
    const auto correction1 = static_cast<float>(1 / (1 - std::pow(options_.beta1, t)));
    const auto correction2 = static_cast<float>(1 / (1 - std::pow(options_.beta2, t)));
    for_each_piece(gradients, learning_rate, [&](const ParameterPiece& piece) {
      find_direction(piece.x, piece.state[0], piece.state[1], piece.state[2], piece.gradient, piece.count,
                     {AverageFactors(options_.beta1), AverageFactors(options_.beta2), correction1, correction2,
                      static_cast<float>(options_.epsilon), static_cast<float>(piece.decay)});
    });
    std::vector<double> ratios(model().parameters().size(), 1);
    for (const size_t i : trained()) {
      const double weights = std::sqrt(sum_of_squares(model().parameters()[i].values()));
      const double direction = std::sqrt(sum_of_squares(state_of(i, 2).values()));
      if (weights > 0 && direction > 0) ratios[i] = weights / direction;
    }
    for_each_piece(gradients, learning_rate, [&](const ParameterPiece& piece) {
      const auto rate = static_cast<float>(piece.rate * ratios[piece.parameter]);
      for (int64_t k = 0; k < piece.count; ++k) piece.x[k] -= rate * piece.state[2][k];
    });
  }

  Lamb options_;
};

}  // namespace

std::unique_ptr<Optimizer> make_lamb(const Lamb& options, Model& model, std::span<const ParameterScale> scales) {
  constexpr std::string_view name = "LAMB";
  require_rate(name, options.lr);
  require_average(name, "beta1", options.beta1);
  require_average(name, "beta2", options.beta2);
  require_epsilon(name, options.epsilon);
  require_decay(name, options.weight_decay);
  return std::make_unique<LambOptimizer>(options, model, scales);
}

}  // namespace fovea
