#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "fovea/error.h"
#include "fovea/optim.h"
#include "fovea/parallel.h"

namespace fovea {

namespace {

constexpr int64_t chunk_size = 1 << 14;  // elements: 64 KB each of parameter, gradient and velocity stay in L2

struct Coefficients {
  float rate;
  float momentum;
  float weight_decay;
};

// Both loops round as PyTorch does: one multiply and one add at a time, in float.
void update(float* __restrict x, float* __restrict v, const float* __restrict gradient, int64_t count,
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

void check(const Sgd& options) {
  const auto refuse = [](const char* what, double value) {
    throw Error(ErrorKind::usage, fmt::format("SGD: {}, got {}", what, value));
  };
  if (!(options.lr > 0) || !std::isfinite(options.lr)) refuse("the learning rate must be positive", options.lr);
  if (!(options.momentum >= 0 && options.momentum < 1)) refuse("momentum must be in [0, 1)", options.momentum);
  if (!(options.weight_decay >= 0) || !std::isfinite(options.weight_decay)) {
    refuse("weight decay must not be negative", options.weight_decay);
  }
  if (!(options.max_norm >= 0) || !std::isfinite(options.max_norm)) {
    refuse("the largest norm must not be negative", options.max_norm);
  }
  if (options.nesterov && options.momentum == 0) refuse("Nesterov needs a positive momentum", options.momentum);
}

class SgdOptimizer final : public Optimizer {
 public:
  SgdOptimizer(const Sgd& options, Model& model) : options_(options), model_(model) {
    check(options);
    velocities_.resize(model.parameters().size());
    for (size_t i = 0; i < velocities_.size(); ++i) {
      const ParameterSpec& spec = model.graph().parameters()[i];
      if (!spec.trainable) continue;
      velocities_[i] = Tensor(spec.shape);
      for (int64_t begin = 0; begin < velocities_[i].size(); begin += chunk_size) {
        chunks_.push_back({i, begin, std::min(chunk_size, velocities_[i].size() - begin)});
      }
    }
  }

  void step(std::span<const std::span<const float>> gradients, double learning_rate) override {
    const Coefficients c{static_cast<float>(learning_rate), static_cast<float>(options_.momentum),
                         static_cast<float>(options_.weight_decay)};
    const auto apply = options_.nesterov ? update_nesterov : update;
    parallel_for(static_cast<int64_t>(chunks_.size()), 1, [&](int64_t first, int64_t last) {
      for (int64_t k = first; k < last; ++k) {
        const Chunk& chunk = chunks_[static_cast<size_t>(k)];
        apply(model_.parameters()[chunk.parameter].data() + chunk.begin,
              velocities_[chunk.parameter].data() + chunk.begin, gradients[chunk.parameter].data() + chunk.begin,
              chunk.count, c);
      }
    });
    if (options_.max_norm > 0) limit_norms();
  }

  std::vector<OptimizerTensor> state() override {
    std::vector<OptimizerTensor> tensors;
    for (size_t i = 0; i < velocities_.size(); ++i) {
      const ParameterSpec& spec = model_.graph().parameters()[i];
      if (spec.trainable) tensors.push_back({"velocity." + spec.name, &velocities_[i]});
    }
    return tensors;
  }

 private:
  void limit_norms() {
    for (size_t i = 0; i < velocities_.size(); ++i) {
      Tensor& x = model_.parameters()[i];
      if (velocities_[i].empty() || x.shape().rank() < 2) continue;
      const int64_t filters = x.shape()[0];
      const int64_t size = x.size() / filters;
      parallel_for(filters, std::max<int64_t>(1, chunk_size / size), [&](int64_t first, int64_t last) {
        for (int64_t k = first; k < last; ++k) {
          limit_norm(x.values().subspan(static_cast<size_t>(k * size), static_cast<size_t>(size)), options_.max_norm);
        }
      });
    }
  }

  struct Chunk {
    size_t parameter;
    int64_t begin, count;
  };

  Sgd options_;
  Model& model_;
  std::vector<Tensor> velocities_;  // empty for a parameter that is not trained
  std::vector<Chunk> chunks_;
};

}  // namespace

std::unique_ptr<Optimizer> make_optimizer(const Sgd& options, Model& model) {
  return std::make_unique<SgdOptimizer>(options, model);
}

}  // namespace fovea
