// Functions of single numbers. To add one: its function in kernels/ref/elementwise.h, its twin in
// kernels/cpu/elementwise, a line below, a builder and a row of the op table.
#include "kernels/ref/elementwise.h"

#include "fovea/lookup_ops.h"
#include "fovea/ops.h"
#include "ops/lookup_ops.h"
#include "ops/pointwise_op.h"
#include "ops/table.h"

namespace fovea {

namespace {

using cpu::Elementwise;
using ExpOp = PointwiseOp<ref::Exp, Elementwise::exp, y_alone>;
using LogOp = PointwiseOp<ref::Log, Elementwise::log, x_alone>;
using SqrtOp = PointwiseOp<ref::Sqrt, Elementwise::sqrt, y_alone>;
using AbsOp = PointwiseOp<ref::Abs, Elementwise::abs, x_alone>;
using NegateOp = PointwiseOp<ref::Negate, Elementwise::negate, neither>;
using PowerOp = PointwiseOp<ref::Power, Elementwise::power, x_alone>;
using ClipOp = PointwiseOp<ref::Clip, Elementwise::clip, x_alone>;
using SoftplusOp = PointwiseOp<ref::Softplus, Elementwise::softplus, x_alone>;
using SeluOp = PointwiseOp<ref::Selu, Elementwise::selu, both>;
using MishOp = PointwiseOp<ref::Mish, Elementwise::mish, x_alone>;
using RoundOp = PointwiseOp<ref::Round, Elementwise::round, neither>;
using SmoothAbsOp = PointwiseOp<ref::SmoothAbs, Elementwise::smooth_abs, x_alone>;

Value add_node(Value x, std::shared_ptr<const Op> op) { return x.graph().add("", std::move(op), {x}); }

std::shared_ptr<const Op> power_op(double exponent) { return std::make_shared<PowerOp>("power", ref::Power{exponent}); }
std::shared_ptr<const Op> clip_op(double low, double high) {
  return std::make_shared<ClipOp>("clip", ref::Clip{low, high});
}
std::shared_ptr<const Op> smooth_abs_op(double beta) {
  return std::make_shared<SmoothAbsOp>("smooth_abs", ref::SmoothAbs{beta});
}

}  // namespace

std::shared_ptr<const Op> make_exp(AttributeReader&) { return std::make_shared<ExpOp>("exp"); }
std::shared_ptr<const Op> make_log(AttributeReader&) { return std::make_shared<LogOp>("log"); }
std::shared_ptr<const Op> make_sqrt(AttributeReader&) { return std::make_shared<SqrtOp>("sqrt"); }
std::shared_ptr<const Op> make_abs(AttributeReader&) { return std::make_shared<AbsOp>("abs"); }
std::shared_ptr<const Op> make_negate(AttributeReader&) { return std::make_shared<NegateOp>("negate"); }
std::shared_ptr<const Op> make_softplus(AttributeReader&) { return std::make_shared<SoftplusOp>("softplus"); }
std::shared_ptr<const Op> make_selu(AttributeReader&) { return std::make_shared<SeluOp>("selu"); }
std::shared_ptr<const Op> make_mish(AttributeReader&) { return std::make_shared<MishOp>("mish"); }
std::shared_ptr<const Op> make_round(AttributeReader&) { return std::make_shared<RoundOp>("round"); }
std::shared_ptr<const Op> make_power(AttributeReader& attributes) { return power_op(attributes.number("exponent")); }
std::shared_ptr<const Op> make_clip(AttributeReader& attributes) {
  const double low = attributes.number("low");
  return clip_op(low, attributes.number("high"));
}
std::shared_ptr<const Op> make_smooth_abs(AttributeReader& attributes) {
  return smooth_abs_op(attributes.number("beta"));
}

Value exp(Value x) { return add_node(x, std::make_shared<ExpOp>("exp")); }
Value log(Value x) { return add_node(x, std::make_shared<LogOp>("log")); }
Value sqrt(Value x) { return add_node(x, std::make_shared<SqrtOp>("sqrt")); }
Value abs(Value x) { return add_node(x, std::make_shared<AbsOp>("abs")); }
Value negate(Value x) { return add_node(x, std::make_shared<NegateOp>("negate")); }
Value softplus(Value x) { return add_node(x, std::make_shared<SoftplusOp>("softplus")); }
Value selu(Value x) { return add_node(x, std::make_shared<SeluOp>("selu")); }
Value mish(Value x) { return add_node(x, std::make_shared<MishOp>("mish")); }
Value round(Value x) { return add_node(x, std::make_shared<RoundOp>("round")); }
Value power(Value x, double exponent) { return add_node(x, power_op(exponent)); }
Value clip(Value x, double low, double high) { return add_node(x, clip_op(low, high)); }
Value smooth_abs(Value x, double beta) { return add_node(x, smooth_abs_op(beta)); }

}  // namespace fovea
