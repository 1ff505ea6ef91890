// Cross-entropy of logits against classes given as numbers, averaged over the batch.
#include "fovea/ops.h"
#include "kernels/classes.h"
#include "kernels/cpu/softmax.h"
#include "kernels/ref/softmax.h"
#include "ops/checks.h"
#include "ops/op_base.h"
#include "ops/table.h"

namespace fovea {

namespace {

class CrossEntropyKernel final : public Kernel {
 public:
  CrossEntropyKernel(const Shape& logits, bool has_backward)
      : batch_(logits[0]), classes_(logits[1]), has_backward_(has_backward) {}

  size_t saved_size() const override { return has_backward_ ? static_cast<size_t>(batch_ * classes_) : 0; }
  size_t scratch_size() const override { return static_cast<size_t>(batch_); }

  void forward(const Step<float>& step) override {
    check(step.inputs[1]);
    cpu::cross_entropy_forward(batch_, classes_, step.inputs[0], step.inputs[1], has_backward_ ? step.saved : nullptr,
                               step.scratch);
    double sum = 0;
    for (int64_t n = 0; n < batch_; ++n) sum += step.scratch[n];
    step.output[0] = static_cast<float>(sum / static_cast<double>(batch_));
  }
  void backward(const Step<float>& step) override {
    check(step.inputs[1]);
    cpu::cross_entropy_backward(batch_, classes_, step.saved, step.inputs[1],
                                step.output_gradient[0] / static_cast<float>(batch_), step.input_gradients[0]);
  }

 private:
  // Before any parallel loop, and again in backward: the caller may have written other classes since.
  void check(const float* classes) const {
    for (int64_t n = 0; n < batch_; ++n) class_index(n, classes[n], classes_);
  }

  int64_t batch_, classes_;
  bool has_backward_;
};

class CrossEntropyOp final : public OpBase<CrossEntropyOp> {
 public:
  std::string_view type() const override { return "cross_entropy"; }
  Shape infer(std::span<const Shape> inputs) const override {
    require_inputs(inputs, 2);
    require_rank(inputs[0], 2, "logits {N, K}");
    const Shape& classes = inputs[1];
    require(classes.rank() >= 1 && classes[0] == inputs[0][0] && classes.elements() == classes[0],
            "expects one class for each of {} samples, shape {} or {}x1, got {}", inputs[0][0], inputs[0][0],
            inputs[0][0], to_string(classes));
    return {1};
  }
  BackwardReads backward_reads() const override { return {.inputs = true}; }
  bool differentiable(size_t input) const override { return input == 0; }

  template <class T>
  void forward(const Signature& shapes, const Step<T>& step) const {
    const Shape& logits = shapes.inputs[0];
    ref::cross_entropy_forward(logits[0], logits[1], step.inputs[0], step.inputs[1], step.output);
  }
  template <class T>
  void backward(const Signature& shapes, const Step<T>& step) const {
    const Shape& logits = shapes.inputs[0];
    ref::cross_entropy_backward(logits[0], logits[1], step.inputs[0], step.inputs[1], step.output_gradient,
                                step.input_gradients[0]);
  }
  std::unique_ptr<Kernel> prepare(const Signature& shapes, const PrepareOptions& options) const override {
    return std::make_unique<CrossEntropyKernel>(shapes.inputs[0], !options.input_gradients.empty());
  }
};

}  // namespace

std::shared_ptr<const Op> make_cross_entropy(AttributeReader&) { return std::make_shared<CrossEntropyOp>(); }

Value cross_entropy(Value logits, Value classes) {
  return logits.graph().add("", std::make_shared<CrossEntropyOp>(), {logits, classes});
}

}  // namespace fovea
