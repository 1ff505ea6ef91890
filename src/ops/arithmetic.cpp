// Elementwise functions of two values, with broadcasting of extents 1. To add one: its function in
// kernels/ref/broadcast.h, its twin in kernels/cpu/broadcast, a line below, a builder and a row of the op table.
#include <utility>

#include "fovea/ops.h"
#include "kernels/cpu/broadcast.h"
#include "kernels/ref/broadcast.h"
#include "ops/checks.h"
#include "ops/op_base.h"
#include "ops/table.h"
#include "ops/tail.h"

namespace fovea {

namespace {

// The same with the inputs' roles exchanged.
Broadcast swapped(Broadcast shape) {
  for (BroadcastAxis& axis : shape.axes) std::swap(axis.a, axis.b);
  return shape;
}

// What the fast kernels call a function and its derivatives by a and by b.
struct Fast {
  cpu::Binary function;
  cpu::Slope by_a, by_b;
};

class BinaryKernel final : public Kernel {
 public:
  BinaryKernel(const Fast& fast, const Shape& a, const Shape& b) : fast_(fast), shape_(make_broadcast(a, b)) {}

  void forward(const Step<float>& step) override {
    cpu::binary_forward(fast_.function, shape_, step.inputs[0], step.inputs[1], step.output);
  }
  void backward(const Step<float>& step) override {
    const float* const a = step.inputs[0];
    const float* const b = step.inputs[1];
    if (step.input_gradients[0]) {
      cpu::binary_gradient(fast_.by_a, shape_, a, b, step.output_gradient, step.input_gradients[0]);
    }
    if (step.input_gradients[1]) {
      cpu::binary_gradient(fast_.by_b, swapped(shape_), b, a, step.output_gradient, step.input_gradients[1]);
    }
  }

 private:
  Fast fast_;
  Broadcast shape_;
};

// Function: one of kernels/ref/broadcast.h.
template <class Function, Fast fast>
class BinaryOp final : public OpBase<BinaryOp<Function, fast>> {
 public:
  explicit BinaryOp(const char* type) : type_(type) {}

  std::string_view type() const override { return type_; }
  Shape infer(std::span<const Shape> inputs) const override {
    require_inputs(inputs, 2);
    const Shape& a = inputs[0];
    const Shape& b = inputs[1];
    require(a.rank() == b.rank(), "inputs must have the same rank, got {} and {}", to_string(a), to_string(b));
    Shape shape = a;
    for (int axis = 0; axis < a.rank(); ++axis) {
      require(a[axis] == b[axis] || a[axis] == 1 || b[axis] == 1, "extents must be equal or 1, got {} and {}",
              to_string(a), to_string(b));
      shape = shape.with_dim(axis, std::max(a[axis], b[axis]));
    }
    return shape;
  }
  BackwardReads backward_reads() const override { return {.inputs = Function::reads}; }
  bool join(const Signature& shapes, Tail& tail) const override {
    const bool fits = fast.function == cpu::Binary::add && !tail.ends() && !tail.residual;
    if (!fits || shapes.inputs[0] != shapes.inputs[1]) return false;
    return tail.residual = true;
  }

  template <class T>
  void forward(const Signature& shapes, const Step<T>& step) const {
    ref::binary_forward(Function{}, shapes.inputs[0], shapes.inputs[1], shapes.output, step.inputs[0], step.inputs[1],
                        step.output);
  }
  template <class T>
  void backward(const Signature& shapes, const Step<T>& step) const {
    ref::binary_backward(Function{}, shapes.inputs[0], shapes.inputs[1], shapes.output, step.inputs[0], step.inputs[1],
                         step.output_gradient, step.input_gradients[0], step.input_gradients[1]);
  }
  std::unique_ptr<Kernel> prepare(const Signature& shapes, const PrepareOptions&) const override {
    return std::make_unique<BinaryKernel>(fast, shapes.inputs[0], shapes.inputs[1]);
  }

 private:
  const char* type_;
};

using cpu::Binary;
using cpu::Slope;
using AddOp = BinaryOp<ref::Add, Fast{Binary::add, Slope::one, Slope::one}>;
using SubtractOp = BinaryOp<ref::Subtract, Fast{Binary::subtract, Slope::one, Slope::minus_one}>;
using MultiplyOp = BinaryOp<ref::Multiply, Fast{Binary::multiply, Slope::other, Slope::other}>;
using DivideOp = BinaryOp<ref::Divide, Fast{Binary::divide, Slope::reciprocal, Slope::ratio}>;
using MinimumOp = BinaryOp<ref::Minimum, Fast{Binary::minimum, Slope::below, Slope::below}>;
using MaximumOp = BinaryOp<ref::Maximum, Fast{Binary::maximum, Slope::above, Slope::above}>;

}  // namespace

std::shared_ptr<const Op> make_add(AttributeReader&) { return std::make_shared<AddOp>("add"); }
std::shared_ptr<const Op> make_subtract(AttributeReader&) { return std::make_shared<SubtractOp>("subtract"); }
std::shared_ptr<const Op> make_multiply(AttributeReader&) { return std::make_shared<MultiplyOp>("multiply"); }
std::shared_ptr<const Op> make_divide(AttributeReader&) { return std::make_shared<DivideOp>("divide"); }
std::shared_ptr<const Op> make_minimum(AttributeReader&) { return std::make_shared<MinimumOp>("minimum"); }
std::shared_ptr<const Op> make_maximum(AttributeReader&) { return std::make_shared<MaximumOp>("maximum"); }

Value add(Value a, Value b) { return a.graph().add("", std::make_shared<AddOp>("add"), {a, b}); }
Value subtract(Value a, Value b) { return a.graph().add("", std::make_shared<SubtractOp>("subtract"), {a, b}); }
Value multiply(Value a, Value b) { return a.graph().add("", std::make_shared<MultiplyOp>("multiply"), {a, b}); }
Value divide(Value a, Value b) { return a.graph().add("", std::make_shared<DivideOp>("divide"), {a, b}); }
Value minimum(Value a, Value b) { return a.graph().add("", std::make_shared<MinimumOp>("minimum"), {a, b}); }
Value maximum(Value a, Value b) { return a.graph().add("", std::make_shared<MaximumOp>("maximum"), {a, b}); }

}  // namespace fovea
