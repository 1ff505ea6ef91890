// Stochastic depth (Huang et al. 2016), sample by sample: what a residual branch adds is dropped for some samples.
#include <optional>

#include "fovea/ops.h"
#include "kernels/cpu/broadcast.h"
#include "kernels/dropout.h"
#include "kernels/ref/dropout.h"
#include "ops/checks.h"
#include "ops/op_base.h"
#include "ops/table.h"

namespace fovea {

namespace {

// Multiplies each sample by its factor, drawn again in backward.
class StochasticDepthKernel final : public Kernel {
 public:
  StochasticDepthKernel(const Shape& x, double rate)
      : batch_(x[0]), shape_(make_broadcast({x[0], x.elements() / x[0]}, {x[0], 1})), rate_(rate) {}

  size_t scratch_size() const override { return static_cast<size_t>(batch_); }
  void forward(const Step<float>& step) override { apply(step, step.inputs[0], step.output); }
  void backward(const Step<float>& step) override { apply(step, step.output_gradient, step.input_gradients[0]); }

 private:
  void apply(const Step<float>& step, const float* x, float* y) const {
    const double rate = step.training ? rate_ : 0;
    for (int64_t n = 0; n < batch_; ++n) {
      const bool dropped = step.random.bits(static_cast<uint64_t>(n)) < dropout_threshold(rate);
      step.scratch[n] = dropped ? 0 : dropout_scale(rate);
    }
    cpu::binary_forward(cpu::Binary::multiply, shape_, x, step.scratch, y);
  }

  int64_t batch_;
  Broadcast shape_;
  double rate_;
};

class StochasticDepthOp final : public OpBase<StochasticDepthOp> {
 public:
  explicit StochasticDepthOp(double rate) : rate_(rate) {}

  std::string_view type() const override { return "stochastic_depth"; }
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
    apply(shapes.output, step, step.inputs[0], step.output);
  }
  template <class T>
  void backward(const Signature& shapes, const Step<T>& step) const {
    apply(shapes.output, step, step.output_gradient, step.input_gradients[0]);
  }
  std::unique_ptr<Kernel> prepare(const Signature& shapes, const PrepareOptions&) const override {
    return std::make_unique<StochasticDepthKernel>(shapes.output, rate_);
  }

 private:
  template <class T>
  void apply(const Shape& shape, const Step<T>& step, const T* x, T* y) const {
    ref::stochastic_depth(shape[0], shape.elements() / shape[0], step.training ? rate_ : 0, step.random, x, y);
  }

  double rate_;
};

}  // namespace

std::shared_ptr<const Op> make_stochastic_depth(AttributeReader& attributes) {
  return std::make_shared<StochasticDepthOp>(attributes.number("rate"));
}

Value stochastic_depth(Value x, double rate) {
  return x.graph().add("", std::make_shared<StochasticDepthOp>(rate), {x});
}

}  // namespace fovea
