// Products of matrices that are both computed.
#include "kernels/ref/matrix_product.h"

#include "core/saturate.h"
#include "fovea/lookup_ops.h"
#include "ops/checks.h"
#include "ops/lookup_ops.h"
#include "ops/op_base.h"

namespace fovea {

namespace {

ref::MatrixProductShape geometry(const Signature& shapes) {
  const Shape& a = shapes.inputs[0];
  const int64_t m = a[a.rank() - 2], k = a.back(), p = shapes.output.back();
  return {.batch = shapes.output.elements() / (m * p), .m = m, .k = k, .p = p};
}

class MatrixProductOp final : public OpBase<MatrixProductOp> {
 public:
  std::string_view type() const override { return "matrix_product"; }
  Shape infer(std::span<const Shape> inputs) const override {
    require_inputs(inputs, 2);
    const Shape& a = inputs[0];
    const Shape& b = inputs[1];
    const int rank = a.rank();
    bool fits = rank >= 2 && b.rank() == rank && a.back() == b[rank - 2];
    for (int axis = 0; fits && axis < rank - 2; ++axis) fits = a[axis] == b[axis];
    require(fits, "expects {{..., M, K}} and {{..., K, P}}, got {} and {}", to_string(a), to_string(b));
    return a.with_dim(rank - 1, b.back());
  }
  int64_t multiply_adds(const Signature& shapes) const override {
    return saturating_product({shapes.output.elements(), shapes.inputs[0].back()});
  }
  BackwardReads backward_reads() const override { return {.inputs = true}; }

  template <class T>
  void forward(const Signature& shapes, const Step<T>& step) const {
    ref::matrix_product_forward(geometry(shapes), step.inputs[0], step.inputs[1], step.output);
  }
  template <class T>
  void backward(const Signature& shapes, const Step<T>& step) const {
    ref::matrix_product_backward(geometry(shapes), step.inputs[0], step.inputs[1], step.output_gradient,
                                 step.input_gradients[0], step.input_gradients[1]);
  }
  std::unique_ptr<Kernel> prepare(const Signature& shapes, const PrepareOptions&) const override {
    return prepare_reference(*this, shapes);
  }
};

}  // namespace

std::shared_ptr<const Op> make_matrix_product(AttributeReader&) { return std::make_shared<MatrixProductOp>(); }

Value matrix_product(Value a, Value b) { return a.graph().add("", std::make_shared<MatrixProductOp>(), {a, b}); }

}  // namespace fovea
