// Elements of an axis by number, such as rows of an embedding table.
#include "kernels/ref/gather.h"

#include <vector>

#include "fovea/lookup_ops.h"
#include "ops/checks.h"
#include "ops/lookup_ops.h"
#include "ops/op_base.h"

namespace fovea {

namespace {

class GatherOp final : public OpBase<GatherOp> {
 public:
  explicit GatherOp(int64_t axis) : axis_(axis) {}

  std::string_view type() const override { return "gather"; }
  Attributes attributes() const override { return {{"axis", axis_}}; }
  Shape infer(std::span<const Shape> inputs) const override {
    require_inputs(inputs, 2);
    const Shape& data = inputs[0];
    require(axis_ >= 0 && axis_ < data.rank(), "there is no axis {} in {}", axis_, to_string(data));
    std::vector<int64_t> dims(data.dims().begin(), data.dims().begin() + axis_);
    dims.insert(dims.end(), inputs[1].dims().begin(), inputs[1].dims().end());
    dims.insert(dims.end(), data.dims().begin() + axis_ + 1, data.dims().end());
    return Shape(dims);
  }
  BackwardReads backward_reads() const override { return {.inputs = true}; }
  bool differentiable(size_t input) const override { return input == 0; }

  template <class T>
  void forward(const Signature& shapes, const Step<T>& step) const {
    ref::gather_forward(geometry(shapes), step.inputs[0], step.inputs[1], step.output);
  }
  template <class T>
  void backward(const Signature& shapes, const Step<T>& step) const {
    if (!step.input_gradients[0]) return;
    ref::gather_backward(geometry(shapes), step.inputs[1], step.output_gradient, step.input_gradients[0]);
  }
  std::unique_ptr<Kernel> prepare(const Signature& shapes, const PrepareOptions&) const override {
    return prepare_reference(*this, shapes);
  }

 private:
  ref::GatherShape geometry(const Signature& shapes) const {
    const Shape& data = shapes.inputs[0];
    ref::GatherShape s{1, data[static_cast<int>(axis_)], 1, shapes.inputs[1].elements()};
    for (int k = 0; k < data.rank(); ++k) {
      if (k < axis_) s.outer *= data[k];
      if (k > axis_) s.inner *= data[k];
    }
    return s;
  }

  int64_t axis_;
};

}  // namespace

std::shared_ptr<const Op> make_gather(AttributeReader& attributes) {
  return std::make_shared<GatherOp>(attributes.integer("axis"));
}

Value gather(Value x, Value indices, int64_t axis) {
  return x.graph().add("", std::make_shared<GatherOp>(axis), {x, indices});
}

}  // namespace fovea
