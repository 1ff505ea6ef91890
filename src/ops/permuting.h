#pragma once

#include <memory>

#include "kernels/cpu/permute.h"
#include "kernels/ref/permute.h"
#include "ops/op_base.h"

namespace fovea {

class PermutingKernel final : public Kernel {
 public:
  explicit PermutingKernel(const Permutation& permutation) : forward_(permutation), backward_(permutation.inverse()) {}

  void forward(const Step<float>& step) override { forward_.run(step.inputs[0], step.output); }
  void backward(const Step<float>& step) override { backward_.run(step.output_gradient, step.input_gradients[0]); }

 private:
  cpu::Permute forward_, backward_;
};

// Base of the ops that only move elements about. The derived class says how:
//   Permutation permutation(const Shape& x) const;   with x seen as having more axes, where that helps
template <class Derived>
class PermutingOp : public OpBase<Derived> {
 public:
  BackwardReads backward_reads() const override { return {}; }

  template <class T>
  void forward(const Signature& shapes, const Step<T>& step) const {
    ref::permute(self().permutation(shapes.inputs[0]), step.inputs[0], step.output);
  }
  template <class T>
  void backward(const Signature& shapes, const Step<T>& step) const {
    ref::permute(self().permutation(shapes.inputs[0]).inverse(), step.output_gradient, step.input_gradients[0]);
  }
  std::unique_ptr<Kernel> prepare(const Signature& shapes, const PrepareOptions&) const override {
    return std::make_unique<PermutingKernel>(self().permutation(shapes.inputs[0]));
  }

 private:
  const Derived& self() const { return static_cast<const Derived&>(*this); }
};

}  // namespace fovea
