// The pointwise activations. To add one: its function in kernels/ref/pointwise.h, its twin in kernels/cpu/pointwise, a
// line below, a builder and a row of the op table. One that convolutions need not end in goes to elementwise.cpp.
#include "fovea/ops.h"
#include "ops/pointwise_op.h"
#include "ops/table.h"

namespace fovea {

namespace {

using ReluOp = PointwiseOp<ref::Relu, cpu::Pointwise::relu, y_alone>;
using LeakyReluOp = PointwiseOp<ref::LeakyRelu, cpu::Pointwise::leaky_relu, x_alone>;
using EluOp = PointwiseOp<ref::Elu, cpu::Pointwise::elu, both>;
using SigmoidOp = PointwiseOp<ref::Sigmoid, cpu::Pointwise::sigmoid, y_alone>;
using TanhOp = PointwiseOp<ref::Tanh, cpu::Pointwise::tanh, y_alone>;
using Relu6Op = PointwiseOp<ref::Relu6, cpu::Pointwise::relu6, y_alone>;
using HardSigmoidOp = PointwiseOp<ref::HardSigmoid, cpu::Pointwise::hard_sigmoid, y_alone>;
using HardSwishOp = PointwiseOp<ref::HardSwish, cpu::Pointwise::hard_swish, x_alone>;
using SiluOp = PointwiseOp<ref::Silu, cpu::Pointwise::silu, x_alone>;
using GeluOp = PointwiseOp<ref::Gelu, cpu::Pointwise::gelu, x_alone>;

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
