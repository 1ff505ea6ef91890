#include <cmath>

#include "train/optimizers/parameter_optimizer.h"

namespace fovea {

namespace {

void update_piece(float* __restrict x, float* __restrict s, const float* __restrict gradient, int64_t count, float rate,
                  float epsilon, float weight_decay) {
  for (int64_t i = 0; i < count; ++i) {
    const float g = gradient[i] + weight_decay * x[i];
    s[i] += g * g;
    x[i] -= rate * g / (std::sqrt(s[i]) + epsilon);
  }
}

class AdagradOptimizer final : public ParameterOptimizer {
 public:
  AdagradOptimizer(const Adagrad& options, Model& model, std::span<const ParameterScale> scales)
      : ParameterOptimizer(model, scales, {"sum"}, options.weight_decay), options_(options) {}

 private:
  void update(std::span<const std::span<const float>> gradients, double learning_rate) override {
    const double rate = learning_rate / (1 + static_cast<double>(steps() - 1) * options_.lr_decay);
    for_each_piece(gradients, rate, [&](const ParameterPiece& piece) {
      update_piece(piece.x, piece.state[0], piece.gradient, piece.count, static_cast<float>(piece.rate),
                   static_cast<float>(options_.epsilon), static_cast<float>(piece.decay));
    });
  }

  Adagrad options_;
};

}  // namespace

std::unique_ptr<Optimizer> make_adagrad(const Adagrad& options, Model& model, std::span<const ParameterScale> scales) {
  constexpr std::string_view name = "Adagrad";
  require_rate(name, options.lr);
  require_option(options.lr_decay >= 0, name, "the decay of the learning rate must not be negative", options.lr_decay);
  require_epsilon(name, options.epsilon);
  require_decay(name, options.weight_decay);
  return std::make_unique<AdagradOptimizer>(options, model, scales);
}

}  // namespace fovea
