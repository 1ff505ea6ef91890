// A parameter as a value.
#include <algorithm>
#include <vector>

#include "fovea/lookup_ops.h"
#include "ops/checks.h"
#include "ops/lookup_ops.h"
#include "ops/op_base.h"

namespace fovea {

namespace {

class ParameterKernel final : public Kernel {
 public:
  explicit ParameterKernel(int64_t count) : count_(count) {}

  void forward(const Step<float>& step) override { std::copy_n(step.parameters[0], count_, step.output); }
  void backward(const Step<float>& step) override {
    if (step.parameter_gradients[0]) std::copy_n(step.output_gradient, count_, step.parameter_gradients[0]);
  }

 private:
  int64_t count_;
};

class ParameterOp final : public OpBase<ParameterOp> {
 public:
  ParameterOp(std::vector<int64_t> shape, bool trainable) : shape_(std::move(shape)), trainable_(trainable) {}

  std::string_view type() const override { return "parameter"; }
  Attributes attributes() const override { return {{"shape", shape_}, {"trainable", trainable_}}; }
  Shape infer(std::span<const Shape> inputs) const override {
    require_inputs(inputs, 0);
    const Shape shape(shape_);
    require(!shape_.empty() && shape.elements() > 0, "shape must have at least one extent, none of them 0, got {}",
            to_string(shape));
    return shape;
  }
  std::vector<ParameterSpec> parameters(std::span<const Shape>) const override {
    return {{.name = "", .shape = Shape(shape_), .fill = Fill::zeros, .trainable = trainable_}};
  }
  BackwardReads backward_reads() const override { return {}; }

  template <class T>
  void forward(const Signature& shapes, const Step<T>& step) const {
    std::copy_n(step.parameters[0], shapes.output.elements(), step.output);
  }
  template <class T>
  void backward(const Signature& shapes, const Step<T>& step) const {
    if (step.parameter_gradients[0]) {
      std::copy_n(step.output_gradient, shapes.output.elements(), step.parameter_gradients[0]);
    }
  }
  std::unique_ptr<Kernel> prepare(const Signature& shapes, const PrepareOptions&) const override {
    return std::make_unique<ParameterKernel>(shapes.output.elements());
  }

 private:
  std::vector<int64_t> shape_;
  bool trainable_;
};

}  // namespace

std::shared_ptr<const Op> make_parameter(AttributeReader& attributes) {
  std::vector<int64_t> shape = attributes.integers("shape");
  return std::make_shared<ParameterOp>(std::move(shape), attributes.boolean("trainable"));
}

Value parameter(const Scope& scope, const Shape& shape, bool trainable) {
  std::vector<int64_t> dims(shape.dims().begin(), shape.dims().end());
  return scope.graph().add(scope.path(), std::make_shared<ParameterOp>(std::move(dims), trainable), {});
}

}  // namespace fovea
