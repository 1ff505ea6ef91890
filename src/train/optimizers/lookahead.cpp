#include <fmt/format.h>

#include "fovea/error.h"
#include "fovea/parallel.h"
#include "train/optimizers/parameter_optimizer.h"

namespace fovea {

namespace {

class LookaheadOptimizer final : public Optimizer {
 public:
  LookaheadOptimizer(std::unique_ptr<Optimizer> fast, const Lookahead& options, Model& model,
                     std::span<const ParameterScale> scales)
      : fast_(std::move(fast)), options_(options), model_(model), slow_(model.parameters().size()) {
    const std::vector<ParameterScale> all = complete_scales(model, scales);
    for (size_t i = 0; i < slow_.size(); ++i) {
      if (all[i].trained) slow_[i] = model.parameters()[i];
    }
  }

  std::vector<OptimizerTensor> state() override {
    std::vector<OptimizerTensor> tensors = fast_->state();
    for (size_t i = 0; i < slow_.size(); ++i) {
      if (slow_[i].empty()) continue;
      tensors.push_back({fmt::format("slow.{}", model_.graph().parameters()[i].name), &slow_[i]});
    }
    return tensors;
  }

  void set_steps(int64_t steps) override {
    Optimizer::set_steps(steps);
    fast_->set_steps(steps);
  }

 private:
  void update(std::span<const std::span<const float>> gradients, double learning_rate) override {
    fast_->step(gradients, learning_rate);
    if (steps() % options_.every != 0) return;
    const auto alpha = static_cast<float>(options_.alpha);
    for (size_t i = 0; i < slow_.size(); ++i) {
      if (slow_[i].empty()) continue;
      float* const x = model_.parameters()[i].data();
      float* const slow = slow_[i].data();
      parallel_for(slow_[i].size(), 1 << 14, [&](int64_t first, int64_t last) {
        for (int64_t k = first; k < last; ++k) {
          slow[k] += alpha * (x[k] - slow[k]);
          x[k] = slow[k];
        }
      });
    }
  }

  std::unique_ptr<Optimizer> fast_;
  Lookahead options_;
  Model& model_;
  std::vector<Tensor> slow_;  // empty for a parameter that is not trained
};

}  // namespace

std::unique_ptr<Optimizer> make_lookahead(std::unique_ptr<Optimizer> fast, const Lookahead& options, Model& model,
                                          std::span<const ParameterScale> scales) {
  constexpr std::string_view name = "lookahead";
  require_option(options.every >= 1, name, "the updates between two looks must be at least 1",
                 static_cast<double>(options.every));
  require_option(options.alpha > 0 && options.alpha <= 1, name, "alpha must be in (0, 1]", options.alpha);
  return std::make_unique<LookaheadOptimizer>(std::move(fast), options, model, scales);
}

}  // namespace fovea
