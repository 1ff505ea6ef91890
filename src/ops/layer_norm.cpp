// Layer normalisation (Ba et al. 2016) over the channels, the last axis.
#include "kernels/cpu/layer_norm.h"

#include <cmath>

#include "fovea/ops.h"
#include "kernels/ref/layer_norm.h"
#include "ops/checks.h"
#include "ops/op_base.h"
#include "ops/table.h"

namespace fovea {

namespace {

enum Parameter : size_t { weight, bias };

class LayerNormKernel final : public Kernel {
 public:
  LayerNormKernel(const Shape& x, double epsilon, bool parameter_gradients)
      : channels_(x.back()),
        rows_(x.elements() / x.back()),
        epsilon_(static_cast<float>(epsilon)),
        parameter_gradients_(parameter_gradients) {}

  // Mean, what its rounding left, and 1 / deviation of each row.
  size_t saved_size() const override { return static_cast<size_t>(3 * rows_); }
  size_t scratch_size() const override { return parameter_gradients_ ? cpu::layer_norm_scratch(rows_, channels_) : 0; }

  void forward(const Step<float>& step) override {
    cpu::layer_norm_forward(rows_, channels_, epsilon_, step.inputs[0], step.parameters[weight], step.parameters[bias],
                            step.output, step.saved, step.saved + rows_, step.saved + 2 * rows_);
  }
  void backward(const Step<float>& step) override {
    cpu::layer_norm_backward(rows_, channels_, step.inputs[0], step.saved, step.saved + rows_, step.saved + 2 * rows_,
                             step.parameters[weight], step.output_gradient, step.input_gradients[0],
                             step.parameter_gradients[weight], step.parameter_gradients[bias], step.scratch);
  }

 private:
  int64_t channels_, rows_;
  float epsilon_;
  bool parameter_gradients_;
};

class LayerNormOp final : public OpBase<LayerNormOp> {
 public:
  explicit LayerNormOp(double epsilon) : epsilon_(epsilon) {}

  std::string_view type() const override { return "layer_norm"; }
  Attributes attributes() const override { return {{"epsilon", epsilon_}}; }
  Shape infer(std::span<const Shape> inputs) const override {
    require_inputs(inputs, 1);
    require(inputs[0].rank() >= 2, "expects a batch with channels last (rank 2 or more), got {} (rank {})",
            to_string(inputs[0]), inputs[0].rank());
    require(epsilon_ > 0 && std::isfinite(epsilon_), "epsilon must be positive, got {}", epsilon_);
    return inputs[0];
  }
  std::vector<ParameterSpec> parameters(std::span<const Shape> inputs) const override {
    const Shape channels = {inputs[0].back()};
    return {{"weight", channels, Fill::ones}, {"bias", channels, Fill::zeros}};
  }
  BackwardReads backward_reads() const override { return {.inputs = true}; }

  size_t reference_saved_size(const Signature& shapes) const override {
    return static_cast<size_t>(2 * rows(shapes.output));
  }
  template <class T>
  void forward(const Signature& shapes, const Step<T>& step) const {
    const int64_t count = rows(shapes.output);
    ref::layer_norm_statistics(count, shapes.output.back(), epsilon_, step.inputs[0], step.saved, step.saved + count);
    ref::layer_norm_forward(count, shapes.output.back(), step.inputs[0], step.saved, step.saved + count,
                            step.parameters[weight], step.parameters[bias], step.output);
  }
  template <class T>
  void backward(const Signature& shapes, const Step<T>& step) const {
    const int64_t count = rows(shapes.output);
    ref::layer_norm_backward(count, shapes.output.back(), step.inputs[0], step.saved, step.saved + count,
                             step.parameters[weight], step.output_gradient, step.input_gradients[0],
                             step.parameter_gradients[weight], step.parameter_gradients[bias]);
  }
  std::unique_ptr<Kernel> prepare(const Signature& shapes, const PrepareOptions& options) const override {
    return std::make_unique<LayerNormKernel>(shapes.output, epsilon_, options.parameter_gradients);
  }

 private:
  static int64_t rows(const Shape& shape) { return shape.elements() / shape.back(); }

  double epsilon_;
};

}  // namespace

std::shared_ptr<const Op> make_layer_norm(AttributeReader& attributes) {
  return std::make_shared<LayerNormOp>(attributes.number("epsilon"));
}

Value layer_norm(const Scope& scope, Value x, double epsilon) {
  return scope.graph().add(scope.path(), std::make_shared<LayerNormOp>(epsilon), {x});
}

}  // namespace fovea
