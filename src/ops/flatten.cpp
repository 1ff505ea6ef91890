// Flatten: {N, spatial..., C} -> {N, C * spatial...}, channel by channel as PyTorch lays out a picture.
#include "fovea/ops.h"
#include "kernels/cpu/transpose.h"
#include "kernels/ref/transpose.h"
#include "ops/checks.h"
#include "ops/op_base.h"
#include "ops/table.h"

namespace fovea {

namespace {

// A batch of matrices {positions, channels}.
struct Positions {
  explicit Positions(const Shape& x)
      : batch(x[0]), channels(x.back()), count(x.elements() / std::max<int64_t>(1, batch * channels)) {}
  int64_t batch, channels, count;
};

class FlattenKernel final : public Kernel {
 public:
  explicit FlattenKernel(const Shape& x) : x_(x) {}

  void forward(const Step<float>& step) override {
    cpu::transpose(x_.batch, x_.count, x_.channels, step.inputs[0], step.output);
  }
  void backward(const Step<float>& step) override {
    cpu::transpose(x_.batch, x_.channels, x_.count, step.output_gradient, step.input_gradients[0]);
  }

 private:
  Positions x_;
};

class FlattenOp final : public OpBase<FlattenOp> {
 public:
  std::string_view type() const override { return "flatten"; }
  Shape infer(std::span<const Shape> inputs) const override {
    require_inputs(inputs, 1);
    require(inputs[0].rank() >= 2, "expects a batch of samples (rank 2 or more), got {} (rank {})",
            to_string(inputs[0]), inputs[0].rank());
    return {inputs[0][0], inputs[0].without_batch().elements()};
  }
  BackwardReads backward_reads() const override { return {}; }

  template <class T>
  void forward(const Signature& shapes, const Step<T>& step) const {
    const Positions x(shapes.inputs[0]);
    ref::transpose(x.batch, x.count, x.channels, step.inputs[0], step.output);
  }
  template <class T>
  void backward(const Signature& shapes, const Step<T>& step) const {
    const Positions x(shapes.inputs[0]);
    ref::transpose(x.batch, x.channels, x.count, step.output_gradient, step.input_gradients[0]);
  }
  std::unique_ptr<Kernel> prepare(const Signature& shapes, const PrepareOptions&) const override {
    return std::make_unique<FlattenKernel>(shapes.inputs[0]);
  }
};

}  // namespace

std::shared_ptr<const Op> make_flatten(AttributeReader&) { return std::make_shared<FlattenOp>(); }

Value flatten(Value x) { return x.graph().add("", std::make_shared<FlattenOp>(), {x}); }

}  // namespace fovea
