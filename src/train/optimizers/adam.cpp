#include <cmath>

#include "train/optimizers/parameter_optimizer.h"

namespace fovea {

namespace {

struct Coefficients {
  float step;  // rate / (1 - beta1^t)
  AverageFactors beta1, beta2;
  float epsilon;
  float correction;    // 1 / sqrt(1 - beta2^t)
  float weight_decay;  // added to the gradient
  float shrink;        // what x is multiplied by before
};

// `largest` is null without amsgrad.
template <bool Amsgrad>
void update_piece(float* __restrict x, float* __restrict m, float* __restrict s, float* __restrict largest,
                  const float* __restrict gradient, int64_t count, const Coefficients& c) {
  for (int64_t i = 0; i < count; ++i) {
    const float shrunk = c.shrink * x[i];
    const float g = gradient[i] + c.weight_decay * shrunk;
    m[i] = c.beta1.keep * m[i] + c.beta1.take * g;
    s[i] = c.beta2.keep * s[i] + c.beta2.take * g * g;
    float square = s[i];
    if constexpr (Amsgrad) {
      square = largest[i] > square ? largest[i] : square;
      largest[i] = square;
    }
    x[i] = shrunk - c.step * m[i] / (std::sqrt(square) * c.correction + c.epsilon);
  }
}

// Adam, and AdamW, which differ in what weight decay does.
class AdamOptimizer final : public ParameterOptimizer {
 public:
  AdamOptimizer(const Adam& options, bool decoupled, Model& model, std::span<const ParameterScale> scales)
      : ParameterOptimizer(model, scales, state_names(options), options.weight_decay),
        options_(options),
        decoupled_(decoupled) {}

 private:
  static std::vector<std::string_view> state_names(const Adam& options) {
    if (options.amsgrad) return {"mean", "square", "largest_square"};
    return {"mean", "square"};
  }

  void update(std::span<const std::span<const float>> gradients, double learning_rate) override {
    const auto t = static_cast<double>(steps());
    const double correction1 = 1 - std::pow(options_.beta1, t);
    const double correction2 = 1 / std::sqrt(1 - std::pow(options_.beta2, t));
    const auto apply = options_.amsgrad ? update_piece<true> : update_piece<false>;
    for_each_piece(gradients, learning_rate, [&](const ParameterPiece& piece) {
      apply(piece.x, piece.state[0], piece.state[1], piece.state[2], piece.gradient, piece.count,
            {.step = static_cast<float>(piece.rate / correction1),
             .beta1 = AverageFactors(options_.beta1),
             .beta2 = AverageFactors(options_.beta2),
             .epsilon = static_cast<float>(options_.epsilon),
             .correction = static_cast<float>(correction2),
             .weight_decay = decoupled_ ? 0.0F : static_cast<float>(piece.decay),
             .shrink = decoupled_ ? static_cast<float>(1 - piece.rate * piece.decay) : 1.0F});
    });
  }

  Adam options_;
  bool decoupled_;
};

void check(std::string_view name, const Adam& options) {
  require_rate(name, options.lr);
  require_average(name, "beta1", options.beta1);
  require_average(name, "beta2", options.beta2);
  require_epsilon(name, options.epsilon);
  require_decay(name, options.weight_decay);
}

}  // namespace

std::unique_ptr<Optimizer> make_adam(const Adam& options, Model& model, std::span<const ParameterScale> scales) {
  check("Adam", options);
  return std::make_unique<AdamOptimizer>(options, false, model, scales);
}

std::unique_ptr<Optimizer> make_adamw(const AdamW& options, Model& model, std::span<const ParameterScale> scales) {
  const Adam adam{options.lr, options.beta1, options.beta2, options.epsilon, options.weight_decay, options.amsgrad};
  check("AdamW", adam);
  return std::make_unique<AdamOptimizer>(adam, true, model, scales);
}

}  // namespace fovea
