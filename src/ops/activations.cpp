// The pointwise activations. To add one: its function in kernels/ref/pointwise.h, its twin in kernels/cpu/pointwise,
// an Activation class below, a builder and a row of the op table.
#include <cmath>

#include "fovea/ops.h"
#include "kernels/cpu/pointwise.h"
#include "kernels/ref/pointwise.h"
#include "ops/checks.h"
#include "ops/op_base.h"
#include "ops/table.h"
#include "ops/tail.h"

namespace fovea {

namespace {

class PointwiseKernel final : public Kernel {
 public:
  PointwiseKernel(cpu::Pointwise function, double alpha, int64_t count)
      : function_(function), alpha_(static_cast<float>(alpha)), count_(count) {}

  void forward(const Step<float>& step) override {
    cpu::pointwise_forward(function_, alpha_, count_, step.inputs[0], step.output);
  }
  void backward(const Step<float>& step) override {
    cpu::pointwise_backward(function_, alpha_, count_, step.inputs[0], step.output, step.output_gradient,
                            step.input_gradients[0]);
  }

 private:
  cpu::Pointwise function_;
  float alpha_;
  int64_t count_;
};

// What a slope needs.
constexpr BackwardReads x_alone = {.inputs = true};
constexpr BackwardReads y_alone = {.output = true};
constexpr BackwardReads both = {.inputs = true, .output = true};

// Function: one of kernels/ref/pointwise.h.
template <class Function, cpu::Pointwise fast, BackwardReads reads>
class Activation final : public OpBase<Activation<Function, fast, reads>> {
 public:
  explicit Activation(const char* type, Function function = {}) : type_(type), function_(function) {}

  std::string_view type() const override { return type_; }
  Attributes attributes() const override {
    if constexpr (requires { function_.alpha; }) return {{"alpha", function_.alpha}};
    return {};
  }
  Shape infer(std::span<const Shape> inputs) const override {
    require_inputs(inputs, 1);
    if constexpr (requires { function_.alpha; }) {
      require(std::isfinite(function_.alpha), "alpha must be finite, got {}", function_.alpha);
    }
    return inputs[0];
  }
  BackwardReads backward_reads() const override { return reads; }
  std::optional<size_t> in_place_input() const override {
    return reads.inputs ? std::nullopt : std::optional<size_t>(0);
  }
  bool join(const Signature&, Tail& tail) const override {
    if (tail.ends()) return false;
    tail.activation = fast;
    if constexpr (requires { function_.alpha; }) tail.alpha = static_cast<float>(function_.alpha);
    return true;
  }

  template <class T>
  void forward(const Signature& shapes, const Step<T>& step) const {
    ref::pointwise_forward(function_, shapes.output.elements(), step.inputs[0], step.output);
  }
  template <class T>
  void backward(const Signature& shapes, const Step<T>& step) const {
    ref::pointwise_backward(function_, shapes.output.elements(), step.inputs[0], step.output, step.output_gradient,
                            step.input_gradients[0]);
  }
  std::unique_ptr<Kernel> prepare(const Signature& shapes, const PrepareOptions&) const override {
    double alpha = 0;
    if constexpr (requires { function_.alpha; }) alpha = function_.alpha;
    return std::make_unique<PointwiseKernel>(fast, alpha, shapes.output.elements());
  }

 private:
  const char* type_;
  Function function_;
};

using ReluOp = Activation<ref::Relu, cpu::Pointwise::relu, y_alone>;
using LeakyReluOp = Activation<ref::LeakyRelu, cpu::Pointwise::leaky_relu, x_alone>;
using EluOp = Activation<ref::Elu, cpu::Pointwise::elu, both>;
using SigmoidOp = Activation<ref::Sigmoid, cpu::Pointwise::sigmoid, y_alone>;
using TanhOp = Activation<ref::Tanh, cpu::Pointwise::tanh, y_alone>;
using Relu6Op = Activation<ref::Relu6, cpu::Pointwise::relu6, y_alone>;
using HardSigmoidOp = Activation<ref::HardSigmoid, cpu::Pointwise::hard_sigmoid, y_alone>;
using HardSwishOp = Activation<ref::HardSwish, cpu::Pointwise::hard_swish, x_alone>;
using SiluOp = Activation<ref::Silu, cpu::Pointwise::silu, x_alone>;
using GeluOp = Activation<ref::Gelu, cpu::Pointwise::gelu, x_alone>;

std::shared_ptr<const Op> leaky_relu_op(double alpha) {
  return std::make_shared<LeakyReluOp>("leaky_relu", ref::LeakyRelu{alpha});
}

std::shared_ptr<const Op> elu_op(double alpha) { return std::make_shared<EluOp>("elu", ref::Elu{alpha}); }

}  // namespace

std::shared_ptr<const Op> make_relu(AttributeReader&) { return std::make_shared<ReluOp>("relu"); }
std::shared_ptr<const Op> make_sigmoid(AttributeReader&) { return std::make_shared<SigmoidOp>("sigmoid"); }
std::shared_ptr<const Op> make_tanh(AttributeReader&) { return std::make_shared<TanhOp>("tanh"); }
std::shared_ptr<const Op> make_relu6(AttributeReader&) { return std::make_shared<Relu6Op>("relu6"); }
std::shared_ptr<const Op> make_hard_sigmoid(AttributeReader&) {
  return std::make_shared<HardSigmoidOp>("hard_sigmoid");
}
std::shared_ptr<const Op> make_hard_swish(AttributeReader&) { return std::make_shared<HardSwishOp>("hard_swish"); }
std::shared_ptr<const Op> make_silu(AttributeReader&) { return std::make_shared<SiluOp>("silu"); }
std::shared_ptr<const Op> make_gelu(AttributeReader&) { return std::make_shared<GeluOp>("gelu"); }
std::shared_ptr<const Op> make_leaky_relu(AttributeReader& attributes) {
  return leaky_relu_op(attributes.number("alpha"));
}
std::shared_ptr<const Op> make_elu(AttributeReader& attributes) { return elu_op(attributes.number("alpha")); }

Value relu(Value x) { return x.graph().add("", std::make_shared<ReluOp>("relu"), {x}); }
Value sigmoid(Value x) { return x.graph().add("", std::make_shared<SigmoidOp>("sigmoid"), {x}); }
Value tanh(Value x) { return x.graph().add("", std::make_shared<TanhOp>("tanh"), {x}); }
Value relu6(Value x) { return x.graph().add("", std::make_shared<Relu6Op>("relu6"), {x}); }
Value hard_sigmoid(Value x) { return x.graph().add("", std::make_shared<HardSigmoidOp>("hard_sigmoid"), {x}); }
Value hard_swish(Value x) { return x.graph().add("", std::make_shared<HardSwishOp>("hard_swish"), {x}); }
Value silu(Value x) { return x.graph().add("", std::make_shared<SiluOp>("silu"), {x}); }
Value gelu(Value x) { return x.graph().add("", std::make_shared<GeluOp>("gelu"), {x}); }
Value leaky_relu(Value x, double alpha) { return x.graph().add("", leaky_relu_op(alpha), {x}); }
Value elu(Value x, double alpha) { return x.graph().add("", elu_op(alpha), {x}); }

}  // namespace fovea
