#include "kernels/cpu/dense.h"

#include "fovea/ops.h"
#include "kernels/ref/dense.h"
#include "ops/checks.h"
#include "ops/op_base.h"
#include "ops/table.h"
#include "ops/weighted_kernel.h"

namespace fovea {

namespace {

int64_t rows(const Shape& x) { return x.elements() / x.back(); }

class DenseOp final : public OpBase<DenseOp> {
 public:
  DenseOp(int64_t units, bool bias) : units_(units), bias_(bias) {}

  std::string_view type() const override { return "dense"; }
  Attributes attributes() const override { return {{"units", units_}, {"bias", bias_}}; }

  Shape infer(std::span<const Shape> inputs) const override {
    require_inputs(inputs, 1);
    require(inputs[0].rank() >= 2, "expects {{N, ..., C}}, got {} (rank {})", to_string(inputs[0]), inputs[0].rank());
    constexpr int64_t most = int64_t{1} << 24;
    require(units_ > 0 && units_ <= most, "units must be between 1 and {}, got {}", most, units_);
    return inputs[0].with_dim(inputs[0].rank() - 1, units_);
  }
  std::vector<ParameterSpec> parameters(std::span<const Shape> inputs) const override {
    const int64_t channels = inputs[0].back();
    std::vector<ParameterSpec> specs = {{"weight", {units_, channels}, Fill::weight, true, channels, units_}};
    if (bias_) specs.push_back({"bias", {units_}, Fill::zeros});
    return specs;
  }
  int64_t multiply_adds(const Signature& shapes) const override { return shapes.inputs[0].elements() * units_; }
  Window window() const override { return {.extent = {}, .stride = {}, .whole = true}; }
  BackwardReads backward_reads() const override { return {.inputs = true}; }
  bool fuses(const Tail& tail, bool training) const override { return !training && tail.is_real(); }

  template <class T>
  void forward(const Signature& shapes, const Step<T>& step) const {
    const Shape& x = shapes.inputs[0];
    ref::dense_forward<T>(rows(x), x.back(), units_, step.inputs[0], step.parameters[0],
                          bias_ ? step.parameters[1] : nullptr, step.output);
  }
  template <class T>
  void backward(const Signature& shapes, const Step<T>& step) const {
    const Shape& x = shapes.inputs[0];
    ref::dense_backward<T>(rows(x), x.back(), units_, step.inputs[0], step.parameters[0], step.output_gradient,
                           step.input_gradients[0], step.parameter_gradients[0],
                           bias_ ? step.parameter_gradients[1] : nullptr);
  }
  std::unique_ptr<Kernel> prepare(const Signature& shapes, const PrepareOptions& options) const override {
    const Shape& x = shapes.inputs[0];
    return std::make_unique<WeightedKernel<cpu::Dense>>(
        cpu::DenseShape{.batch = rows(x), .channels = x.back(), .units = units_},
        FoldedParameters(options.tail, bias_, units_, x.back()), options);
  }

 private:
  int64_t units_;
  bool bias_;
};

}  // namespace

std::shared_ptr<const Op> make_dense(AttributeReader& attributes) {
  return std::make_shared<DenseOp>(attributes.integer("units"), attributes.boolean("bias"));
}

Value dense(const Scope& scope, Value x, int64_t units, bool bias) {
  return scope.graph().add(scope.path(), std::make_shared<DenseOp>(units, bias), {x});
}

}  // namespace fovea
