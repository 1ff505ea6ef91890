#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "fovea/model.h"
#include "fovea/tensor.h"

// Optimisers: how gradients become new parameter values. Each is a struct of options here and one file under src/train.
namespace fovea {

// A tensor that an optimiser carries from step to step, named "<what>.<parameter>": "velocity.conv1.weight".
struct OptimizerTensor {
  std::string name;
  Tensor* tensor;
};

class Optimizer {
 public:
  virtual ~Optimizer() = default;

  // One update of all trainable parameters. gradients[i] belongs to parameter i of the model and is empty for one that
  // is not trained. The result does not depend on the number of threads.
  virtual void step(std::span<const std::span<const float>> gradients, double learning_rate) = 0;
  // What must be saved and restored, beside the parameters, to continue exactly.
  virtual std::vector<OptimizerTensor> state() = 0;
};

// Stochastic gradient descent, the update of torch.optim.SGD with dampening 0. Per parameter x with gradient g:
//   g = g + weight_decay x                    (on every trainable parameter, biases and scales included, as in PyTorch)
//   v = momentum v + g                        (v starts at zero; Polyak 1964)
//   x = x - lr v,   with nesterov  x = x - lr (g + momentum v)   (Sutskever et al. 2013)
// and then, with max_norm > 0, every filter whose norm is above it is scaled down to it (Srivastava et al. 2014,
// section 5.1). A filter is what belongs to one index of a weight's first axis: to one output of a dense layer or
// convolution. Parameters of one axis (biases, scales) are left alone.
struct Sgd {
  double lr = 0.01;  // the base rate, which a Schedule scales
  double momentum = 0.9;
  double weight_decay = 0;
  bool nesterov = false;
  double max_norm = 0;  // 0: no limit
};

// The model must outlive the optimiser and keep its parameters where they are. Throws Error(usage) unless lr > 0,
// 0 <= momentum < 1, weight_decay >= 0, max_norm >= 0, all finite, and momentum > 0 with nesterov.
std::unique_ptr<Optimizer> make_optimizer(const Sgd& options, Model& model);

}  // namespace fovea
