// Softmax and its logarithm over the last axis.
#include "kernels/cpu/softmax.h"

#include "fovea/ops.h"
#include "kernels/ref/softmax.h"
#include "ops/checks.h"
#include "ops/op_base.h"
#include "ops/table.h"

namespace fovea {

namespace {

int64_t rows(const Shape& shape) { return shape.elements() / shape.back(); }

struct Softmax {
  static constexpr const char* type = "softmax";

  template <class T>
  static void reference_forward(const Shape& shape, const Step<T>& step) {
    ref::softmax_forward(rows(shape), shape.back(), step.inputs[0], step.output);
  }
  template <class T>
  static void reference_backward(const Shape& shape, const Step<T>& step) {
    ref::softmax_backward(rows(shape), shape.back(), step.output, step.output_gradient, step.input_gradients[0]);
  }
  static void forward(const Shape& shape, const Step<float>& step) {
    cpu::softmax_forward(rows(shape), shape.back(), step.inputs[0], step.output);
  }
  static void backward(const Shape& shape, const Step<float>& step) {
    cpu::softmax_backward(rows(shape), shape.back(), step.output, step.output_gradient, step.input_gradients[0]);
  }
};

struct LogSoftmax {
  static constexpr const char* type = "log_softmax";

  template <class T>
  static void reference_forward(const Shape& shape, const Step<T>& step) {
    ref::log_softmax_forward(rows(shape), shape.back(), step.inputs[0], step.output);
  }
  template <class T>
  static void reference_backward(const Shape& shape, const Step<T>& step) {
    ref::log_softmax_backward(rows(shape), shape.back(), step.output, step.output_gradient, step.input_gradients[0]);
  }
  static void forward(const Shape& shape, const Step<float>& step) {
    cpu::log_softmax_forward(rows(shape), shape.back(), step.inputs[0], step.output);
  }
  static void backward(const Shape& shape, const Step<float>& step) {
    cpu::log_softmax_backward(rows(shape), shape.back(), step.output, step.output_gradient, step.input_gradients[0]);
  }
};

template <class Kind>
class SoftmaxKernel final : public Kernel {
 public:
  explicit SoftmaxKernel(const Shape& shape) : shape_(shape) {}
  void forward(const Step<float>& step) override { Kind::forward(shape_, step); }
  void backward(const Step<float>& step) override { Kind::backward(shape_, step); }

 private:
  Shape shape_;
};

template <class Kind>
class SoftmaxOp final : public OpBase<SoftmaxOp<Kind>> {
 public:
  std::string_view type() const override { return Kind::type; }
  Shape infer(std::span<const Shape> inputs) const override {
    require_inputs(inputs, 1);
    require(inputs[0].rank() >= 2, "expects a batch of samples (rank 2 or more), got {} (rank {})",
            to_string(inputs[0]), inputs[0].rank());
    return inputs[0];
  }
  BackwardReads backward_reads() const override { return {.output = true}; }

  template <class T>
  void forward(const Signature& shapes, const Step<T>& step) const {
    Kind::reference_forward(shapes.output, step);
  }
  template <class T>
  void backward(const Signature& shapes, const Step<T>& step) const {
    Kind::reference_backward(shapes.output, step);
  }
  std::unique_ptr<Kernel> prepare(const Signature& shapes, const PrepareOptions&) const override {
    return std::make_unique<SoftmaxKernel<Kind>>(shapes.output);
  }
};

}  // namespace

std::shared_ptr<const Op> make_softmax(AttributeReader&) { return std::make_shared<SoftmaxOp<Softmax>>(); }
std::shared_ptr<const Op> make_log_softmax(AttributeReader&) { return std::make_shared<SoftmaxOp<LogSoftmax>>(); }

Value softmax(Value x) { return x.graph().add("", std::make_shared<SoftmaxOp<Softmax>>(), {x}); }
Value log_softmax(Value x) { return x.graph().add("", std::make_shared<SoftmaxOp<LogSoftmax>>(), {x}); }

}  // namespace fovea
