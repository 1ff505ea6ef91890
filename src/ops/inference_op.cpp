#include "ops/inference_op.h"

#include <utility>

namespace fovea {

namespace {

template <class T>
Step<T> as_inference(Step<T> step) {
  step.training = false;
  return step;
}

class InferenceKernel final : public Kernel {
 public:
  explicit InferenceKernel(std::unique_ptr<Kernel> kernel) : kernel_(std::move(kernel)) {}

  std::string algorithm() const override { return kernel_->algorithm(); }
  size_t saved_size() const override { return kernel_->saved_size(); }
  size_t scratch_size() const override { return kernel_->scratch_size(); }
  void load(std::span<const float* const> parameters, Tensor& spare) override { kernel_->load(parameters, spare); }
  bool copies_weight() const override { return kernel_->copies_weight(); }
  void forward(const Step<float>& step) override { kernel_->forward(as_inference(step)); }
  void backward(const Step<float>& step) override { kernel_->backward(as_inference(step)); }

 private:
  std::unique_ptr<Kernel> kernel_;
};

class InferenceOp final : public Op {
 public:
  explicit InferenceOp(std::shared_ptr<const Op> op) : op_(std::move(op)) {}

  std::string_view type() const override { return op_->type(); }
  Attributes attributes() const override { return op_->attributes(); }
  Shape infer(std::span<const Shape> inputs) const override { return op_->infer(inputs); }
  std::vector<ParameterSpec> parameters(std::span<const Shape> inputs) const override {
    return op_->parameters(inputs);
  }
  int64_t multiply_adds(const Signature& shapes) const override { return op_->multiply_adds(shapes); }
  Window window() const override { return op_->window(); }
  BackwardReads backward_reads() const override { return op_->backward_reads(); }
  std::optional<size_t> in_place_input() const override { return op_->in_place_input(); }
  bool is_identity(bool /*training*/) const override { return op_->is_identity(false); }
  bool differentiable(size_t input) const override { return op_->differentiable(input); }
  // What follows must still be differentiable: `training` stays as it is.
  bool fuses(const Tail& tail, bool training) const override { return op_->fuses(tail, training); }

  size_t reference_saved_size(const Signature& shapes) const override { return op_->reference_saved_size(shapes); }
  void reference_forward(const Signature& shapes, const Step<float>& step) const override {
    op_->reference_forward(shapes, as_inference(step));
  }
  void reference_forward(const Signature& shapes, const Step<double>& step) const override {
    op_->reference_forward(shapes, as_inference(step));
  }
  void reference_backward(const Signature& shapes, const Step<float>& step) const override {
    op_->reference_backward(shapes, as_inference(step));
  }
  void reference_backward(const Signature& shapes, const Step<double>& step) const override {
    op_->reference_backward(shapes, as_inference(step));
  }
  std::unique_ptr<Kernel> prepare(const Signature& shapes, const PrepareOptions& options) const override {
    PrepareOptions inference = options;
    inference.training = false;
    return std::make_unique<InferenceKernel>(op_->prepare(shapes, inference));
  }

 private:
  std::shared_ptr<const Op> op_;
};

}  // namespace

std::shared_ptr<const Op> make_inference_op(std::shared_ptr<const Op> op) {
  return std::make_shared<InferenceOp>(std::move(op));
}

}  // namespace fovea
