#include <algorithm>
#include <cmath>

#include "fovea/parallel.h"
#include "train/optimizers/parameter_optimizer.h"

namespace fovea {

namespace {

struct Coefficients {
  float rate;
  float momentum;
  float weight_decay;
};

// Both loops round as PyTorch does: one multiply and one add at a time, in float.
void update_plain(float* __restrict x, float* __restrict v, const float* __restrict gradient, int64_t count,
                  const Coefficients& c) {
  for (int64_t i = 0; i < count; ++i) {
    const float g = gradient[i] + c.weight_decay * x[i];
    v[i] = c.momentum * v[i] + g;
    x[i] -= c.rate * v[i];
  }
}

void update_nesterov(float* __restrict x, float* __restrict v, const float* __restrict gradient, int64_t count,
                     const Coefficients& c) {
  for (int64_t i = 0; i < count; ++i) {
    const float g = gradient[i] + c.weight_decay * x[i];
    v[i] = c.momentum * v[i] + g;
    x[i] -= c.rate * (g + c.momentum * v[i]);
  }
}

// Scales x down to the norm `limit` if its own is above.
void limit_norm(std::span<float> x, double limit) {
  double squares = 0;
  for (const float value : x) squares += static_cast<double>(value) * value;
  if (squares <= limit * limit) return;
  const auto scale = static_cast<float>(limit / std::sqrt(squares));
  for (float& value : x) value *= scale;
}

class SgdOptimizer final : public ParameterOptimizer {
 public:
  SgdOptimizer(const Sgd& options, Model& model, std::span<const ParameterScale> scales)
      : ParameterOptimizer(model, scales, {"velocity"}, options.weight_decay), options_(options) {}

 private:
  void update(std::span<const std::span<const float>> gradients, double learning_rate) override {
    const auto apply = options_.nesterov ? update_nesterov : update_plain;
    for_each_piece(gradients, learning_rate, [&](const ParameterPiece& piece) {
      apply(piece.x, piece.state[0], piece.gradient, piece.count,
            {static_cast<float>(piece.rate), static_cast<float>(options_.momentum), static_cast<float>(piece.decay)});
    });
    if (options_.max_norm > 0) limit_norms();
  }

  void limit_norms() {
    constexpr int64_t grain = 1 << 14;  // elements
    for (const size_t i : trained()) {
      Tensor& x = model().parameters()[i];
      if (x.shape().rank() < 2) continue;
      const int64_t filters = x.shape()[0];
      const int64_t size = x.size() / filters;
      parallel_for(filters, std::max<int64_t>(1, grain / size), [&](int64_t first, int64_t last) {
        for (int64_t k = first; k < last; ++k) {
          limit_norm(x.values().subspan(static_cast<size_t>(k * size), static_cast<size_t>(size)), options_.max_norm);
        }
      });
    }
  }

  Sgd options_;
};

}  // namespace

std::unique_ptr<Optimizer> make_sgd(const Sgd& options, Model& model, std::span<const ParameterScale> scales) {
  constexpr std::string_view name = "SGD";
  require_rate(name, options.lr);
  require_average(name, "momentum", options.momentum);
  require_decay(name, options.weight_decay);
  require_option(options.max_norm >= 0, name, "the largest norm must not be negative", options.max_norm);
  require_option(!options.nesterov || options.momentum > 0, name, "Nesterov needs a positive momentum",
                 options.momentum);
  return std::make_unique<SgdOptimizer>(options, model, scales);
}

}  // namespace fovea
