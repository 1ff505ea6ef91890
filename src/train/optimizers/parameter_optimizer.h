#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "fovea/optim.h"

namespace fovea {

constexpr size_t max_states = 3;

// A piece of a parameter small enough that it, its gradient and its state stay in the second cache.
struct ParameterPiece {
  size_t parameter;
  int64_t count;
  float* x;
  const float* gradient;
  std::array<float*, max_states> state;  // in the order of the optimiser's state names
  double rate;                           // learning rate and weight decay of this parameter
  double decay;
};

// What most optimisers are: tensors of state in the shape of each trained parameter, and an update that runs over
// pieces of them on all threads.
class ParameterOptimizer : public Optimizer {
 public:
  // scales: of each parameter; empty: all ones.
  ParameterOptimizer(Model& model, std::span<const ParameterScale> scales, std::vector<std::string_view> state_names,
                     double weight_decay);

  std::vector<OptimizerTensor> state() override;

 protected:
  Model& model() { return model_; }
  const std::vector<size_t>& trained() const { return trained_; }
  Tensor& state_of(size_t parameter, size_t which) { return states_[parameter][which]; }
  double rate_scale(size_t parameter) const { return scales_[parameter].rate; }
  double decay(size_t parameter) const { return weight_decay_ * scales_[parameter].decay; }

  // Calls body for every piece of the trained parameters.
  void for_each_piece(std::span<const std::span<const float>> gradients, double learning_rate,
                      const std::function<void(const ParameterPiece&)>& body);

 private:
  struct Place {
    size_t parameter;
    int64_t begin, count;
  };

  Model& model_;
  std::vector<ParameterScale> scales_;
  std::vector<std::string_view> state_names_;
  double weight_decay_;
  std::vector<size_t> trained_;              // parameters
  std::vector<std::vector<Tensor>> states_;  // by parameter, then by state name
  std::vector<Place> places_;
};

// The two factors of a moving average a = keep a + take x, rounded one by one: 1 - 0.999F is off by 5e-5.
struct AverageFactors {
  explicit AverageFactors(double factor) : keep(static_cast<float>(factor)), take(static_cast<float>(1 - factor)) {}
  float keep, take;
};

// The scales of all the model's parameters, those of running statistics not trained.
std::vector<ParameterScale> complete_scales(const Model& model, std::span<const ParameterScale> scales);

// Throws Error(usage), "adam: <what>, got <value>", unless it holds and the value is finite.
void require_option(bool holds, std::string_view optimizer, const char* what, double value);
void require_rate(std::string_view optimizer, double lr);
void require_decay(std::string_view optimizer, double weight_decay);
void require_epsilon(std::string_view optimizer, double epsilon);
void require_average(std::string_view optimizer, const char* name, double factor);  // in [0, 1)

// One function for each optimiser, in its file.
std::unique_ptr<Optimizer> make_sgd(const Sgd& options, Model& model, std::span<const ParameterScale> scales);
std::unique_ptr<Optimizer> make_rmsprop(const RmsProp& options, Model& model, std::span<const ParameterScale> scales);
std::unique_ptr<Optimizer> make_adagrad(const Adagrad& options, Model& model, std::span<const ParameterScale> scales);
std::unique_ptr<Optimizer> make_adam(const Adam& options, Model& model, std::span<const ParameterScale> scales);
std::unique_ptr<Optimizer> make_adamw(const AdamW& options, Model& model, std::span<const ParameterScale> scales);
std::unique_ptr<Optimizer> make_lion(const Lion& options, Model& model, std::span<const ParameterScale> scales);
std::unique_ptr<Optimizer> make_lamb(const Lamb& options, Model& model, std::span<const ParameterScale> scales);
std::unique_ptr<Optimizer> make_muon(const Muon& options, Model& model, std::span<const ParameterScale> scales);
std::unique_ptr<Optimizer> make_lookahead(std::unique_ptr<Optimizer> fast, const Lookahead& options, Model& model,
                                          std::span<const ParameterScale> scales);

}  // namespace fovea
