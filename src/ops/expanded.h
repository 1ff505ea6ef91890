#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ops/fused.h"
#include "ops/op_base.h"

namespace fovea {

// A pointwise convolution and the depthwise one behind it, each with its tail, in one kernel for inference
// (kernels/cpu/expanded_depthwise.h). Its parameters are those of the first, then of the second. It lives in plans
// only: it has no serialised form.
class ExpandedOp final : public OpBase<ExpandedOp> {
 public:
  // Null unless the kernel can do it: `second` reads nothing but the output of `first`, whose inputs are `inputs`.
  static std::shared_ptr<const ExpandedOp> make(const std::shared_ptr<const Op>& first,
                                                const std::shared_ptr<const Op>& second,
                                                const std::vector<Shape>& inputs);

  ExpandedOp(std::shared_ptr<const FusedOp> expansion, std::shared_ptr<const FusedOp> depthwise);

  std::string_view type() const override { return type_; }
  Shape infer(std::span<const Shape> inputs) const override { return signatures(inputs)[1].output; }
  std::vector<ParameterSpec> parameters(std::span<const Shape> inputs) const override;
  int64_t multiply_adds(const Signature& shapes) const override;
  Window window() const override { return depthwise_->window(); }
  BackwardReads backward_reads() const override { return {}; }
  bool differentiable(size_t /*input*/) const override { return false; }
  std::unique_ptr<Kernel> prepare(const Signature& shapes, const PrepareOptions& options) const override;

  // One op after the other.
  template <class T>
  void forward(const Signature& shapes, const Step<T>& step) const;
  template <class T>
  void backward(const Signature& /*shapes*/, const Step<T>& /*step*/) const {}  // has no gradients

 private:
  std::vector<Signature> signatures(std::span<const Shape> inputs) const;  // of the two

  std::shared_ptr<const FusedOp> expansion_;
  std::shared_ptr<const FusedOp> depthwise_;
  std::string type_;
};

}  // namespace fovea
