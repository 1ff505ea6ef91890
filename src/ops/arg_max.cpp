// The place of the largest element along an axis.
#include "kernels/ref/arg_max.h"

#include <vector>

#include "fovea/lookup_ops.h"
#include "ops/checks.h"
#include "ops/lookup_ops.h"
#include "ops/op_base.h"

namespace fovea {

namespace {

class ArgMaxOp final : public OpBase<ArgMaxOp> {
 public:
  ArgMaxOp(int64_t axis, bool keep, bool last) : axis_(axis), keep_(keep), last_(last) {}

  std::string_view type() const override { return "arg_max"; }
  Attributes attributes() const override { return {{"axis", axis_}, {"keep", keep_}, {"last", last_}}; }
  Shape infer(std::span<const Shape> inputs) const override {
    require_inputs(inputs, 1);
    const Shape& x = inputs[0];
    require(axis_ >= 0 && axis_ < x.rank(), "there is no axis {} in {}", axis_, to_string(x));
    std::vector<int64_t> dims(x.dims().begin(), x.dims().end());
    dims[static_cast<size_t>(axis_)] = 1;
    if (!keep_ && dims.size() > 1) dims.erase(dims.begin() + axis_);
    return Shape(dims);
  }
  BackwardReads backward_reads() const override { return {}; }
  bool differentiable(size_t) const override { return false; }

  template <class T>
  void forward(const Signature& shapes, const Step<T>& step) const {
    ref::arg_max(shapes.inputs[0], static_cast<int>(axis_), last_, step.inputs[0], step.output);
  }
  template <class T>
  void backward(const Signature&, const Step<T>&) const {}
  std::unique_ptr<Kernel> prepare(const Signature& shapes, const PrepareOptions&) const override {
    return prepare_reference(*this, shapes);
  }

 private:
  int64_t axis_;
  bool keep_, last_;
};

}  // namespace

std::shared_ptr<const Op> make_arg_max(AttributeReader& attributes) {
  const int64_t axis = attributes.integer("axis");
  const bool keep = attributes.boolean("keep");
  return std::make_shared<ArgMaxOp>(axis, keep, attributes.boolean("last"));
}

Value arg_max(Value x, int64_t axis, bool keep, bool last) {
  return x.graph().add("", std::make_shared<ArgMaxOp>(axis, keep, last), {x});
}

}  // namespace fovea
