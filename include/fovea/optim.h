#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "fovea/model.h"
#include "fovea/tensor.h"

// Optimisers: how gradients become new parameter values. Each is a struct of options here and one file under
// src/train/optimizers. Formulas are per parameter x with gradient g at update t = 1, 2, ...; all state starts at zero
// unless said otherwise. Those that PyTorch has are its own, defaults included.
namespace fovea {

// A tensor that an optimiser carries from update to update, named "<what>.<parameter>": "velocity.conv1.weight".
struct OptimizerTensor {
  std::string name;
  Tensor* tensor;
};

class Optimizer {
 public:
  virtual ~Optimizer() = default;

  // One update of all trained parameters. gradients[i] belongs to parameter i of the model and is empty for one that
  // is not trained. The result does not depend on the number of threads.
  void step(std::span<const std::span<const float>> gradients, double learning_rate) {
    ++steps_;
    update(gradients, learning_rate);
  }

  // What must be saved and restored, beside the parameters and the number of updates, to continue exactly.
  virtual std::vector<OptimizerTensor> state() = 0;
  // Updates so far.
  int64_t steps() const { return steps_; }
  virtual void set_steps(int64_t steps) { steps_ = steps; }

 protected:
  virtual void update(std::span<const std::span<const float>> gradients, double learning_rate) = 0;

 private:
  int64_t steps_ = 0;
};

// ---- The optimisers ------------------------------------------------------------------------------------------------
// `lr` is the base rate, which a Schedule scales. `weight_decay` adds weight_decay x to g on every trained parameter,
// biases and scales included as in PyTorch (TrainingRules can except them); "decoupled": x shrinks by the factor
// 1 - lr weight_decay before the update, instead.

// Stochastic gradient descent, torch.optim.SGD with dampening 0.
//   v = momentum v + g                        (Polyak 1964)
//   x = x - lr v,   with nesterov  x = x - lr (g + momentum v)   (Sutskever et al. 2013)
// and then, with max_norm > 0, every filter whose norm is above it is scaled down to it (Srivastava et al. 2014,
// section 5.1). A filter is what belongs to one index of a weight's first axis: to one output of a dense layer or
// convolution. Parameters of one axis (biases, scales) are left alone.
struct Sgd {
  double lr = 0.01;
  double momentum = 0.9;
  double weight_decay = 0;
  bool nesterov = false;
  double max_norm = 0;  // 0: no limit
};

// RMSProp (Hinton 2012, lecture 6e), torch.optim.RMSprop.
//   s = alpha s + (1 - alpha) g^2,   d = sqrt(s) + epsilon
//   centered: a = alpha a + (1 - alpha) g,   d = sqrt(s - a^2) + epsilon
//   x = x - lr g / d,   with momentum > 0  b = momentum b + g / d,  x = x - lr b
struct RmsProp {
  double lr = 0.01;
  double alpha = 0.99;
  double epsilon = 1e-8;
  double momentum = 0;
  double weight_decay = 0;
  bool centered = false;
};

// Adagrad (Duchi et al. 2011), torch.optim.Adagrad.
//   s = s + g^2,   x = x - lr / (1 + (t - 1) lr_decay) g / (sqrt(s) + epsilon)
struct Adagrad {
  double lr = 0.01;
  double lr_decay = 0;
  double epsilon = 1e-10;
  double weight_decay = 0;
};

// Adam (Kingma & Ba 2015), torch.optim.Adam.
//   m = beta1 m + (1 - beta1) g,   s = beta2 s + (1 - beta2) g^2
//   x = x - lr / (1 - beta1^t) m / (sqrt(s) / sqrt(1 - beta2^t) + epsilon)
//   amsgrad (Reddi et al. 2018): the largest s so far takes the place of s in the last line
struct Adam {
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
  bool amsgrad = false;
};

// AdamW (Loshchilov & Hutter 2019), torch.optim.AdamW: Adam with decoupled weight decay.
struct AdamW {
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 1e-2;
  bool amsgrad = false;
};

// Lion (Chen et al. 2023, algorithm 2); its rates are 3 to 10 times smaller than Adam's. Decoupled weight decay.
//   x = x - lr sign(beta1 m + (1 - beta1) g),   then m = beta2 m + (1 - beta2) g
struct Lion {
  double lr = 1e-4;
  double beta1 = 0.9;
  double beta2 = 0.99;
  double weight_decay = 0;
};

// LAMB (You et al. 2020, algorithm 2), for large batches. Norms are those of the whole parameter.
//   m, s as Adam's;   r = m / (1 - beta1^t) / (sqrt(s / (1 - beta2^t)) + epsilon) + weight_decay x
//   x = x - lr |x| / |r| r   (the ratio is 1 where either norm is 0)
struct Lamb {
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-6;
  double weight_decay = 0.01;
};

// Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon): updates of hidden weights are made
// orthogonal. A weight is a matrix {m, n} of its first axis and all others; those with two axes or more are hidden,
// except the graph's last (the classifier's).
//   v = momentum v + (1 - momentum) g,   u = v,  with nesterov  u = momentum v + (1 - momentum) g
//   x = x - lr sqrt(max(1, m / n)) N(u),   weight decay decoupled
// N: u / (|u| + 1e-7), then five times u = 3.4445 u + (-4.7750 A + 2.0315 A^2) u with A = u u^T. The other parameters
// get Adam with decoupled weight decay at the rate adam_lr, which the schedule scales too.
struct Muon {
  double lr = 0.02;
  double momentum = 0.95;
  bool nesterov = true;
  double weight_decay = 0;
  double adam_lr = 3e-4;
  double beta1 = 0.9;
  double beta2 = 0.95;
  double epsilon = 1e-10;
};

using OptimizerOptions = std::variant<Sgd, RmsProp, Adagrad, Adam, AdamW, Lion, Lamb, Muon>;

// "sgd", "rmsprop", "adagrad", "adam", "adamw", "lion", "lamb", "muon".
std::vector<std::string> optimizer_names();
std::string optimizer_name(const OptimizerOptions& options);

// The member lr, whichever it is.
double& learning_rate(OptimizerOptions& options);
double learning_rate(const OptimizerOptions& options);

// An optimiser as text: its name, then options that differ from the defaults, '_' written '-': "adamw", "adam lr 3e-4
// beta2 0.99 amsgrad". Throws Error(usage) for an unknown name or option, suggesting the nearest, and for values that
// are no numbers.
OptimizerOptions parse_optimizer(const std::string& text);
std::string to_text(const OptimizerOptions& options);

// Lookahead (Zhang et al. 2019) around an optimiser: after every `every` updates the slow weights, which start as the
// parameters do, move by s = s + alpha (x - s), and x becomes s.
struct Lookahead {
  int64_t every = 0;  // 0: none; the paper's is 5
  double alpha = 0.5;
};

// What one parameter's part of an update is multiplied by.
struct ParameterScale {
  double rate = 1;
  double decay = 1;
  bool trained = true;  // false: left as it is
};

// scales: of each of the model's parameters; empty: all ones. The model must outlive the optimiser and keep its
// parameters where they are. Throws Error(usage) naming the option unless lr > 0, factors of averages are in [0, 1),
// epsilons are above 0, decays and norms are not negative, all are finite, and momentum is above 0 with nesterov.
std::unique_ptr<Optimizer> make_optimizer(const OptimizerOptions& options, Model& model,
                                          std::span<const ParameterScale> scales = {}, const Lookahead& lookahead = {});

// ---- Rules for some of the parameters ------------------------------------------------------------------------------

// Of the parameters whose names match a pattern; '*' stands for any letters and dots, '?' for one: "features.*".
struct LayerRate {
  std::string pattern;
  double factor = 1;  // of the learning rate
};

struct TrainingRules {
  // Not trained; batch norms with frozen scale and shift keep their running statistics and use them.
  std::vector<std::string> frozen{};
  std::vector<LayerRate> rates{};   // where several match, their factors are multiplied
  bool decay_weights_only = false;  // no weight decay on parameters of one axis: biases, scales and shifts
};

// The rules for each of the graph's parameters. Throws Error(usage) for a pattern that matches no trainable parameter,
// or when none is left to train; for a factor that is negative or not finite.
std::vector<ParameterScale> parameter_scales(const Graph& graph, const TrainingRules& rules);

}  // namespace fovea
