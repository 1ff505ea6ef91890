// A learned scale of each channel, the last axis.
#include <algorithm>
#include <cmath>
#include <vector>

#include "fovea/ops.h"
#include "kernels/cpu/batch_norm.h"
#include "kernels/cpu/broadcast.h"
#include "kernels/ref/broadcast.h"
#include "ops/checks.h"
#include "ops/op_base.h"
#include "ops/table.h"
#include "ops/tail.h"

namespace fovea {

namespace {

// Channels seen as {1, ..., 1, C}: what broadcasts over x.
Shape channels_of(const Shape& x) {
  std::vector<int64_t> dims(static_cast<size_t>(x.rank()), 1);
  dims.back() = x.back();
  return Shape(dims);
}

class ScaleKernel final : public Kernel {
 public:
  ScaleKernel(const Shape& x, bool parameter_gradients)
      : channels_(x.back()),
        rows_(x.elements() / x.back()),
        shape_(make_broadcast(x, channels_of(x))),
        parameter_gradients_(parameter_gradients) {}

  size_t scratch_size() const override {
    return parameter_gradients_ ? static_cast<size_t>(2 * channels_) + cpu::batch_norm_scratch(rows_, channels_) : 0;
  }
  void forward(const Step<float>& step) override {
    cpu::binary_forward(cpu::Binary::multiply, shape_, step.inputs[0], step.parameters[0], step.output);
  }
  void backward(const Step<float>& step) override {
    if (step.parameter_gradients[0]) {
      float* const zeros = step.scratch;
      float* const sum = zeros + channels_;
      std::fill_n(zeros, channels_, 0.0F);
      cpu::batch_norm_sums(rows_, channels_, step.inputs[0], zeros, {step.output_gradient, nullptr}, sum,
                           step.parameter_gradients[0], sum + channels_);
    }
    if (step.input_gradients[0]) {
      cpu::binary_forward(cpu::Binary::multiply, shape_, step.output_gradient, step.parameters[0],
                          step.input_gradients[0]);
    }
  }

 private:
  int64_t channels_, rows_;
  Broadcast shape_;
  bool parameter_gradients_;
};

class ScaleOp final : public OpBase<ScaleOp> {
 public:
  explicit ScaleOp(double initial) : initial_(initial) {}

  std::string_view type() const override { return "scale"; }
  Attributes attributes() const override { return {{"initial", initial_}}; }
  Shape infer(std::span<const Shape> inputs) const override {
    require_inputs(inputs, 1);
    require(inputs[0].rank() >= 2, "expects a batch with channels last (rank 2 or more), got {} (rank {})",
            to_string(inputs[0]), inputs[0].rank());
    require(std::isfinite(initial_), "the initial scale must be finite, got {}", initial_);
    return inputs[0];
  }
  // Named by the node alone; in PyTorch's order, channels first.
  std::vector<ParameterSpec> parameters(std::span<const Shape> inputs) const override {
    std::vector<int64_t> dims(static_cast<size_t>(inputs[0].rank() - 1), 1);
    dims.front() = inputs[0].back();
    return {{.name = "", .shape = Shape(dims), .fill = Fill::constant, .value = initial_}};
  }
  BackwardReads backward_reads() const override { return {.inputs = true}; }
  bool join(const Signature&, Tail& tail) const override {
    if (tail.ends() || tail.residual || tail.folds()) return false;
    return tail.scale = true;
  }

  template <class T>
  void forward(const Signature& shapes, const Step<T>& step) const {
    const Shape& x = shapes.output;
    ref::binary_forward(ref::Multiply{}, x, channels_of(x), x, step.inputs[0], step.parameters[0], step.output);
  }
  template <class T>
  void backward(const Signature& shapes, const Step<T>& step) const {
    const Shape& x = shapes.output;
    ref::binary_backward(ref::Multiply{}, x, channels_of(x), x, step.inputs[0], step.parameters[0],
                         step.output_gradient, step.input_gradients[0], step.parameter_gradients[0]);
  }
  std::unique_ptr<Kernel> prepare(const Signature& shapes, const PrepareOptions& options) const override {
    return std::make_unique<ScaleKernel>(shapes.output, options.parameter_gradients);
  }

 private:
  double initial_;
};

}  // namespace

std::shared_ptr<const Op> make_scale(AttributeReader& attributes) {
  return std::make_shared<ScaleOp>(attributes.number("initial"));
}

Value scale(const Scope& scope, Value x, double initial) {
  return scope.graph().add(scope.path(), std::make_shared<ScaleOp>(initial), {x});
}

}  // namespace fovea
