// Inverted dropout (Srivastava et al. 2014) of elements, of whole channels (Tompson et al. 2015) and of whole samples:
// stochastic depth (Huang et al. 2016).
#include "kernels/cpu/dropout.h"

#include "fovea/ops.h"
#include "kernels/cpu/broadcast.h"
#include "kernels/ref/dropout.h"
#include "ops/checks.h"
#include "ops/op_base.h"
#include "ops/table.h"

namespace fovea {

namespace {

// Units of several elements have their factors drawn first; backward draws them again.
class DropoutKernel final : public Kernel {
 public:
  DropoutKernel(const DropShape& shape, double rate) : shape_(shape), rate_(rate) {
    const Shape x = {shape.batch, shape.positions, shape.channels};
    const bool per_channel = shape.unit == DropUnit::channel;
    factors_ = shape.unit == DropUnit::element ? 0 : shape.batch * (per_channel ? shape.channels : 1);
    spread_ = make_broadcast(x, {shape.batch, 1, per_channel ? shape.channels : 1});
  }

  size_t scratch_size() const override { return static_cast<size_t>(factors_); }
  void forward(const Step<float>& step) override { apply(step, step.inputs[0], step.output); }
  void backward(const Step<float>& step) override { apply(step, step.output_gradient, step.input_gradients[0]); }

 private:
  void apply(const Step<float>& step, const float* x, float* y) const {
    const double rate = step.training ? rate_ : 0;
    if (factors_ == 0) return cpu::dropout(shape_.elements(), rate, step.random, x, y);
    for (int64_t i = 0; i < factors_; ++i) {
      const bool dropped = step.random.bits(static_cast<uint64_t>(i)) < dropout_threshold(rate);
      step.scratch[i] = dropped ? 0 : dropout_scale(rate);
    }
    cpu::binary_forward(cpu::Binary::multiply, spread_, x, step.scratch, y);
  }

  DropShape shape_;
  double rate_;
  int64_t factors_ = 0;
  Broadcast spread_;
};

template <DropUnit unit>
class DropoutOp final : public OpBase<DropoutOp<unit>> {
 public:
  explicit DropoutOp(double rate) : rate_(rate) {}

  std::string_view type() const override {
    switch (unit) {
      case DropUnit::element:
        return "dropout";
      case DropUnit::channel:
        return "spatial_dropout";
      case DropUnit::sample:
        return "stochastic_depth";
    }
    return {};
  }
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
    return std::make_unique<DropoutKernel>(drop_shape(shapes.output), rate_);
  }

 private:
  static DropShape drop_shape(const Shape& x) {
    const int64_t channels = x.rank() > 1 ? x.back() : 1;
    return {x[0], x.elements() / (x[0] * channels), channels, unit};
  }
  template <class T>
  void apply(const Shape& shape, const Step<T>& step, const T* x, T* y) const {
    ref::dropout(drop_shape(shape), step.training ? rate_ : 0, step.random, x, y);
  }

  double rate_;
};

template <DropUnit unit>
std::shared_ptr<const Op> make(AttributeReader& attributes) {
  return std::make_shared<DropoutOp<unit>>(attributes.number("rate"));
}

template <DropUnit unit>
Value build(Value x, double rate) {
  return x.graph().add("", std::make_shared<DropoutOp<unit>>(rate), {x});
}

}  // namespace

std::shared_ptr<const Op> make_dropout(AttributeReader& attributes) { return make<DropUnit::element>(attributes); }
std::shared_ptr<const Op> make_spatial_dropout(AttributeReader& attributes) {
  return make<DropUnit::channel>(attributes);
}
std::shared_ptr<const Op> make_stochastic_depth(AttributeReader& attributes) {
  return make<DropUnit::sample>(attributes);
}

Value dropout(Value x, double rate) { return build<DropUnit::element>(x, rate); }
Value spatial_dropout(Value x, double rate) { return build<DropUnit::channel>(x, rate); }
Value stochastic_depth(Value x, double rate) { return build<DropUnit::sample>(x, rate); }

}  // namespace fovea
