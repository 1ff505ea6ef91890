// Leaky ReLU whose slope is learned (He et al. 2015), one of each channel or one for all.
#include "kernels/cpu/prelu.h"

#include <cmath>

#include "fovea/ops.h"
#include "kernels/ref/prelu.h"
#include "ops/checks.h"
#include "ops/op_base.h"
#include "ops/table.h"

namespace fovea {

namespace {

int64_t rows(const Shape& x) { return x.elements() / x.back(); }

class PreluKernel final : public Kernel {
 public:
  PreluKernel(const Shape& x, bool shared, bool parameter_gradients)
      : rows_(rows(x)), channels_(x.back()), shared_(shared), parameter_gradients_(parameter_gradients) {}

  size_t scratch_size() const override { return parameter_gradients_ ? cpu::prelu_scratch(rows_, channels_) : 0; }
  void forward(const Step<float>& step) override {
    cpu::prelu_forward(rows_, channels_, shared_, step.inputs[0], step.parameters[0], step.output);
  }
  void backward(const Step<float>& step) override {
    cpu::prelu_backward(rows_, channels_, shared_, step.inputs[0], step.parameters[0], step.output_gradient,
                        step.input_gradients[0], step.parameter_gradients[0], step.scratch);
  }

 private:
  int64_t rows_, channels_;
  bool shared_, parameter_gradients_;
};

class PreluOp final : public OpBase<PreluOp> {
 public:
  explicit PreluOp(const PreluOptions& options) : options_(options) {}

  std::string_view type() const override { return "prelu"; }
  Attributes attributes() const override { return {{"shared", options_.shared}, {"initial", options_.initial}}; }
  Shape infer(std::span<const Shape> inputs) const override {
    require_inputs(inputs, 1);
    require(inputs[0].rank() >= 2, "expects a batch with channels last (rank 2 or more), got {} (rank {})",
            to_string(inputs[0]), inputs[0].rank());
    require(std::isfinite(options_.initial), "the initial slope must be finite, got {}", options_.initial);
    return inputs[0];
  }
  std::vector<ParameterSpec> parameters(std::span<const Shape> inputs) const override {
    return {{.name = "weight", .shape = {slopes(inputs[0])}, .fill = Fill::constant, .value = options_.initial}};
  }
  BackwardReads backward_reads() const override { return {.inputs = true}; }

  template <class T>
  void forward(const Signature& shapes, const Step<T>& step) const {
    const Shape& x = shapes.output;
    ref::prelu_forward(rows(x), x.back(), slopes(x), step.inputs[0], step.parameters[0], step.output);
  }
  template <class T>
  void backward(const Signature& shapes, const Step<T>& step) const {
    const Shape& x = shapes.output;
    ref::prelu_backward(rows(x), x.back(), slopes(x), step.inputs[0], step.parameters[0], step.output_gradient,
                        step.input_gradients[0], step.parameter_gradients[0]);
  }
  std::unique_ptr<Kernel> prepare(const Signature& shapes, const PrepareOptions& options) const override {
    return std::make_unique<PreluKernel>(shapes.output, options_.shared, options.parameter_gradients);
  }

 private:
  int64_t slopes(const Shape& x) const { return options_.shared ? 1 : x.back(); }

  PreluOptions options_;
};

}  // namespace

std::shared_ptr<const Op> make_prelu(AttributeReader& attributes) {
  const bool shared = attributes.boolean("shared");
  return std::make_shared<PreluOp>(PreluOptions{.shared = shared, .initial = attributes.number("initial")});
}

Value prelu(const Scope& scope, Value x, const PreluOptions& options) {
  return scope.graph().add(scope.path(), std::make_shared<PreluOp>(options), {x});
}

}  // namespace fovea
