#pragma once

#include <memory>
#include <span>
#include <string>
#include <utility>

#include "fovea/op.h"
#include "ops/folded.h"

namespace fovea {

// The kernel of a layer with weights and perhaps a bias, on top of one of the algorithms in kernels/cpu. These have
//   Algorithm(shape, bool input_gradient, bool weight_gradient)   the gradients that will be asked for
//   void load(const float* weight)                  in PyTorch's order
//   const char* name() const                        "algorithm: what it is for"
//   bool packs() const                              whether they keep a copy of the weights
//   size_t scratch() const                          floats, for each of
//   void forward(x, epilogue, y, scratch) const
//   void input_gradient(dy, dx, scratch) const
//   void weight_gradient(x, dy, dweight, dbias or null, scratch) const
template <class Algorithm>
class WeightedKernel final : public Kernel {
 public:
  template <class Shape>
  WeightedKernel(const Shape& shape, FoldedParameters parameters, const PrepareOptions& options)
      : parameters_(std::move(parameters)),
        algorithm_(shape, !options.input_gradients.empty() && options.input_gradients[0], options.parameter_gradients) {
  }

  std::string algorithm() const override { return algorithm_.name(); }
  size_t scratch_size() const override { return algorithm_.scratch(); }
  void load(std::span<const float* const> parameters, Tensor& spare) override {
    algorithm_.load(parameters_.load(parameters, algorithm_.packs() ? spare : folded_weight_));
  }
  bool copies_weight() const override { return parameters_.folds() || algorithm_.packs(); }
  void forward(const Step<float>& step) override {
    algorithm_.forward(step.inputs[0], parameters_.epilogue(step), step.output, step.scratch);
  }
  void backward(const Step<float>& step) override {
    if (step.parameter_gradients[0]) {
      float* const bias_gradient = step.parameter_gradients.size() > 1 ? step.parameter_gradients[1] : nullptr;
      algorithm_.weight_gradient(step.inputs[0], step.output_gradient, step.parameter_gradients[0], bias_gradient,
                                 step.scratch);
    }
    if (step.input_gradients[0]) algorithm_.input_gradient(step.output_gradient, step.input_gradients[0], step.scratch);
  }

 private:
  FoldedParameters parameters_;
  Tensor folded_weight_;  // of an algorithm that keeps no copy
  Algorithm algorithm_;
};

}  // namespace fovea
