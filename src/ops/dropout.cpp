// Inverted dropout (Srivastava et al. 2014). The mask is drawn again in backward, never stored.
#include "kernels/cpu/dropout.h"

#include "fovea/ops.h"
#include "kernels/ref/dropout.h"
#include "ops/checks.h"
#include "ops/op_base.h"
#include "ops/table.h"

namespace fovea {

namespace {

class DropoutKernel final : public Kernel {
 public:
  DropoutKernel(int64_t count, double rate) : count_(count), rate_(rate) {}

  void forward(const Step<float>& step) override { apply(step, step.inputs[0], step.output); }
  void backward(const Step<float>& step) override { apply(step, step.output_gradient, step.input_gradients[0]); }

 private:
  void apply(const Step<float>& step, const float* x, float* y) const {
    cpu::dropout(count_, step.training ? rate_ : 0, step.random, x, y);
  }

  int64_t count_;
  double rate_;
};

class DropoutOp final : public OpBase<DropoutOp> {
 public:
  explicit DropoutOp(double rate) : rate_(rate) {}

  std::string_view type() const override { return "dropout"; }
  Attributes attributes() const override { return {{"rate", rate_}}; }
  Shape infer(std::span<const Shape> inputs) const override {
    require_inputs(inputs, 1);
    require(rate_ >= 0 && rate_ < 1, "rate must be at least 0 and less than 1, got {}", rate_);
    return inputs[0];
  }
  BackwardReads backward_reads() const override { return {}; }
  std::optional<size_t> in_place_input() const override { return 0; }
  bool is_identity(bool training) const override { return !training || rate_ == 0; }

  template <class T>
  void forward(const Signature& shapes, const Step<T>& step) const {
    ref::dropout(shapes.output.elements(), step.training ? rate_ : 0, step.random, step.inputs[0], step.output);
  }
  template <class T>
  void backward(const Signature& shapes, const Step<T>& step) const {
    ref::dropout(shapes.output.elements(), step.training ? rate_ : 0, step.random, step.output_gradient,
                 step.input_gradients[0]);
  }
  std::unique_ptr<Kernel> prepare(const Signature& shapes, const PrepareOptions&) const override {
    return std::make_unique<DropoutKernel>(shapes.output.elements(), rate_);
  }

 private:
  double rate_;
};

}  // namespace

std::shared_ptr<const Op> make_dropout(AttributeReader& attributes) {
  return std::make_shared<DropoutOp>(attributes.number("rate"));
}

Value dropout(Value x, double rate) { return x.graph().add("", std::make_shared<DropoutOp>(rate), {x}); }

}  // namespace fovea
