// Elementwise sum and product of two values, with broadcasting of extents 1.
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

// A slope of 1 everywhere.
constexpr float one = 1;
Broadcast with_constant_slope(Broadcast shape) {
  for (BroadcastAxis& axis : shape.axes) axis.b = 0;
  return shape;
}

class BinaryKernel final : public Kernel {
 public:
  BinaryKernel(cpu::Binary function, const Shape& a, const Shape& b)
      : function_(function), shape_(make_broadcast(a, b)) {}

  void forward(const Step<float>& step) override {
    cpu::binary_forward(function_, shape_, step.inputs[0], step.inputs[1], step.output);
  }
  void backward(const Step<float>& step) override {
    for (const size_t input : {0U, 1U}) {
      if (!step.input_gradients[input]) continue;
      const Broadcast shape = input == 0 ? shape_ : swapped(shape_);
      if (function_ == cpu::Binary::multiply) {
        cpu::binary_gradient(shape, step.output_gradient, step.inputs[1 - input], step.input_gradients[input]);
      } else {
        cpu::binary_gradient(with_constant_slope(shape), step.output_gradient, &one, step.input_gradients[input]);
      }
    }
  }

 private:
  cpu::Binary function_;
  Broadcast shape_;
};

// Function: one of kernels/ref/broadcast.h.
template <class Function, cpu::Binary fast>
class BinaryOp final : public OpBase<BinaryOp<Function, fast>> {
 public:
  std::string_view type() const override { return fast == cpu::Binary::add ? "add" : "multiply"; }
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
  BackwardReads backward_reads() const override { return {.inputs = fast == cpu::Binary::multiply}; }
  bool join(const Signature& shapes, Tail& tail) const override {
    if (fast != cpu::Binary::add || tail.ends() || tail.residual || shapes.inputs[0] != shapes.inputs[1]) return false;
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
};

using AddOp = BinaryOp<ref::Add, cpu::Binary::add>;
using MultiplyOp = BinaryOp<ref::Multiply, cpu::Binary::multiply>;

}  // namespace

std::shared_ptr<const Op> make_add(AttributeReader&) { return std::make_shared<AddOp>(); }
std::shared_ptr<const Op> make_multiply(AttributeReader&) { return std::make_shared<MultiplyOp>(); }

Value add(Value a, Value b) { return a.graph().add("", std::make_shared<AddOp>(), {a, b}); }
Value multiply(Value a, Value b) { return a.graph().add("", std::make_shared<MultiplyOp>(), {a, b}); }

}  // namespace fovea
