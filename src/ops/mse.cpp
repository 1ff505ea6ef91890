// Mean squared error.
#include "kernels/cpu/mse.h"

#include "fovea/ops.h"
#include "kernels/ref/mse.h"
#include "ops/checks.h"
#include "ops/op_base.h"
#include "ops/table.h"

namespace fovea {

namespace {

class MseKernel final : public Kernel {
 public:
  explicit MseKernel(int64_t count) : count_(count) {}

  size_t scratch_size() const override { return cpu::mse_scratch(count_); }
  void forward(const Step<float>& step) override {
    cpu::mse_forward(count_, step.inputs[0], step.inputs[1], step.output, step.scratch);
  }
  void backward(const Step<float>& step) override {
    const float scale = 2 * step.output_gradient[0] / static_cast<float>(count_);
    for (const size_t input : {0U, 1U}) {
      if (!step.input_gradients[input]) continue;
      cpu::mse_backward(count_, step.inputs[input], step.inputs[1 - input], scale, step.input_gradients[input]);
    }
  }

 private:
  int64_t count_;
};

class MseOp final : public OpBase<MseOp> {
 public:
  std::string_view type() const override { return "mse"; }
  Shape infer(std::span<const Shape> inputs) const override {
    require_inputs(inputs, 2);
    require(inputs[0] == inputs[1], "prediction and target must have the same shape, got {} and {}",
            to_string(inputs[0]), to_string(inputs[1]));
    return {1};
  }
  BackwardReads backward_reads() const override { return {.inputs = true}; }

  template <class T>
  void forward(const Signature& shapes, const Step<T>& step) const {
    ref::mse_forward(shapes.inputs[0].elements(), step.inputs[0], step.inputs[1], step.output);
  }
  template <class T>
  void backward(const Signature& shapes, const Step<T>& step) const {
    for (const size_t input : {0U, 1U}) {
      if (!step.input_gradients[input]) continue;
      ref::mse_backward(shapes.inputs[0].elements(), step.inputs[input], step.inputs[1 - input], step.output_gradient,
                        step.input_gradients[input]);
    }
  }
  std::unique_ptr<Kernel> prepare(const Signature& shapes, const PrepareOptions&) const override {
    return std::make_unique<MseKernel>(shapes.inputs[0].elements());
  }
};

}  // namespace

std::shared_ptr<const Op> make_mse(AttributeReader&) { return std::make_shared<MseOp>(); }

Value mse(Value prediction, Value target) {
  return prediction.graph().add("", std::make_shared<MseOp>(), {prediction, target});
}

}  // namespace fovea
