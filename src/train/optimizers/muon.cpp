#include <algorithm>
#include <cmath>

#include "fovea/parallel.h"
#include "train/optimizers/orthogonalise.h"
#include "train/optimizers/parameter_optimizer.h"

namespace fovea {

namespace {

// Whether each parameter is a hidden weight: of two axes or more, and not the last such.
std::vector<bool> find_hidden(const Graph& graph) {
  const std::vector<ParameterSpec>& specs = graph.parameters();
  std::vector<bool> hidden(specs.size());
  size_t last = specs.size();
  for (size_t i = 0; i < specs.size(); ++i) {
    hidden[i] = specs[i].trainable && specs[i].shape.rank() >= 2;
    if (hidden[i]) last = i;
  }
  if (last < specs.size()) hidden[last] = false;
  return hidden;
}

// The scales with parameters that are not of this kind left out.
std::vector<ParameterScale> of_kind(const Model& model, std::span<const ParameterScale> scales, bool hidden) {
  std::vector<ParameterScale> all = complete_scales(model, scales);
  const std::vector<bool> is_hidden = find_hidden(model.graph());
  for (size_t i = 0; i < all.size(); ++i) all[i].trained = all[i].trained && is_hidden[i] == hidden;
  return all;
}

AdamW for_the_rest(const Muon& options) {
  return {.lr = options.adam_lr,
          .beta1 = options.beta1,
          .beta2 = options.beta2,
          .epsilon = options.epsilon,
          .weight_decay = options.weight_decay};
}

class MuonOptimizer final : public ParameterOptimizer {
 public:
  MuonOptimizer(const Muon& options, Model& model, std::span<const ParameterScale> scales)
      : ParameterOptimizer(model, of_kind(model, scales, true), {"velocity"}, options.weight_decay),
        options_(options),
        rest_(make_adamw(for_the_rest(options), model, of_kind(model, scales, false))) {
    for (const size_t i : trained()) {
      const Shape& shape = model.parameters()[i].shape();
      matrices_.push_back({i, Tensor(shape), {shape[0], shape.elements() / shape[0]}});
    }
  }

  std::vector<OptimizerTensor> state() override {
    std::vector<OptimizerTensor> tensors = ParameterOptimizer::state();
    std::ranges::move(rest_->state(), std::back_inserter(tensors));
    return tensors;
  }

  void set_steps(int64_t steps) override {
    Optimizer::set_steps(steps);
    rest_->set_steps(steps);
  }

 private:
  struct Matrix {
    size_t parameter;
    Tensor update;
    Orthogonaliser orthogonaliser;
  };

  void update(std::span<const std::span<const float>> gradients, double learning_rate) override {
    for (Matrix& matrix : matrices_) update_matrix(matrix, gradients[matrix.parameter].data(), learning_rate);
    rest_->step(gradients, learning_rate * options_.adam_lr / options_.lr);
  }

  void update_matrix(Matrix& matrix, const float* gradient, double learning_rate) {
    constexpr int64_t grain = 1 << 14;
    const AverageFactors momentum(options_.momentum);
    const bool nesterov = options_.nesterov;
    float* const v = state_of(matrix.parameter, 0).data();
    float* const u = matrix.update.data();
    parallel_for(matrix.update.size(), grain, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i) {
        v[i] += momentum.take * (gradient[i] - v[i]);
        u[i] = nesterov ? gradient[i] + momentum.keep * (v[i] - gradient[i]) : v[i];
      }
    });
    matrix.orthogonaliser.run(u);

    Tensor& weight = model().parameters()[matrix.parameter];
    const auto rows = static_cast<double>(weight.shape()[0]);
    const double columns = static_cast<double>(weight.size()) / rows;
    const double rate = learning_rate * rate_scale(matrix.parameter);
    const auto step = static_cast<float>(rate * std::sqrt(std::max(1.0, rows / columns)));
    const auto shrink = static_cast<float>(1 - rate * decay(matrix.parameter));
    float* const x = weight.data();
    parallel_for(weight.size(), grain, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i) x[i] = shrink * x[i] - step * u[i];
    });
  }

  Muon options_;
  std::unique_ptr<Optimizer> rest_;
  std::vector<Matrix> matrices_;
};

}  // namespace

std::unique_ptr<Optimizer> make_muon(const Muon& options, Model& model, std::span<const ParameterScale> scales) {
  constexpr std::string_view name = "Muon";
  require_rate(name, options.lr);
  require_average(name, "momentum", options.momentum);
  require_decay(name, options.weight_decay);
  require_option(options.adam_lr > 0, name, "Adam's learning rate must be positive", options.adam_lr);
  require_option(!options.nesterov || options.momentum > 0, name, "Nesterov needs a positive momentum",
                 options.momentum);
  return std::make_unique<MuonOptimizer>(options, model, scales);
}

}  // namespace fovea
