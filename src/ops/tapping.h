#pragma once

#include <memory>
#include <vector>

#include "kernels/cpu/axis_taps.h"
#include "kernels/ref/axis_taps.h"
#include "ops/op_base.h"

namespace fovea {

class TappingKernel final : public Kernel {
 public:
  TappingKernel(const std::vector<AxisTaps>& axes, float fill, bool gradient) : forward_(axes), fill_(fill) {
    if (!gradient) return;
    std::vector<AxisTaps> transposed;
    for (const AxisTaps& axis : axes) transposed.push_back(axis.transposed());
    backward_.emplace(transposed);
  }

  void forward(const Step<float>& step) override { forward_.run(fill_, step.inputs[0], step.output); }
  void backward(const Step<float>& step) override {
    if (backward_) backward_->run(0, step.output_gradient, step.input_gradients[0]);
  }

 private:
  cpu::TapPlan forward_;
  std::optional<cpu::TapPlan> backward_;
  float fill_;
};

// Base of the ops that are a sparse matrix along each axis. The derived class says which:
//   std::vector<AxisTaps> taps(const Signature&) const;   per axis of the input
//   double fill() const;                                  where nothing of the input goes
template <class Derived>
class TappingOp : public OpBase<Derived> {
 public:
  BackwardReads backward_reads() const override { return {}; }

  template <class T>
  void forward(const Signature& shapes, const Step<T>& step) const {
    ref::taps_forward<T>(self().taps(shapes), T(self().fill()), step.inputs[0], step.output);
  }
  template <class T>
  void backward(const Signature& shapes, const Step<T>& step) const {
    ref::taps_backward<T>(self().taps(shapes), step.output_gradient, step.input_gradients[0]);
  }
  std::unique_ptr<Kernel> prepare(const Signature& shapes, const PrepareOptions& options) const override {
    const bool gradient = !options.input_gradients.empty() && options.input_gradients[0];
    return std::make_unique<TappingKernel>(self().taps(shapes), static_cast<float>(self().fill()), gradient);
  }

 private:
  const Derived& self() const { return static_cast<const Derived&>(*this); }
};

}  // namespace fovea
