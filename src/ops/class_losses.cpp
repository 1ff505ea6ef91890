// Losses of a classifier's scores, averaged over the batch: cross-entropy and hinge against classes given as numbers,
// cross-entropy against a distribution over the classes.
#include "fovea/ops.h"
#include "kernels/classes.h"
#include "kernels/cpu/hinge.h"
#include "kernels/cpu/softmax.h"
#include "kernels/ref/hinge.h"
#include "kernels/ref/softmax.h"
#include "ops/checks.h"
#include "ops/op_base.h"
#include "ops/table.h"

namespace fovea {

namespace {

struct LossShape {
  explicit LossShape(const Shape& scores) : rows(scores[0]), classes(scores[1]) {}
  int64_t rows, classes;
};

// Before any parallel loop: parallel_for's body had better not throw.
void check_classes(const LossShape& batch, const float* classes) {
  for (int64_t n = 0; n < batch.rows; ++n) class_index(n, classes[n], batch.classes);
}

// The three losses: what they are called and their kernels. `probabilities` is where forward leaves the softmax for
// backward (null: there is no backward); `losses` gets those of the rows; `share` is the weight of one row.
struct CrossEntropy {
  static constexpr const char* type = "cross_entropy";
  static constexpr bool numbers = true;  // targets are class numbers
  static constexpr bool saves = true;
  double smoothing = 0;

  void check() const {
    require(smoothing >= 0 && smoothing <= 1, "label smoothing must be between 0 and 1, got {}", smoothing);
  }
  void forward(const LossShape& b, const Step<float>& step, float* probabilities, float* losses) const {
    cpu::cross_entropy_forward(b.rows, b.classes, static_cast<float>(smoothing), step.inputs[0], step.inputs[1],
                               probabilities, losses);
  }
  void backward(const LossShape& b, const Step<float>& step, float share) const {
    cpu::cross_entropy_backward(b.rows, b.classes, static_cast<float>(smoothing), step.saved, step.inputs[1], share,
                                step.input_gradients[0]);
  }
  template <class T>
  void reference_forward(const LossShape& b, const Step<T>& step) const {
    ref::cross_entropy_forward(b.rows, b.classes, smoothing, step.inputs[0], step.inputs[1], step.output);
  }
  template <class T>
  void reference_backward(const LossShape& b, const Step<T>& step) const {
    ref::cross_entropy_backward(b.rows, b.classes, smoothing, step.inputs[0], step.inputs[1], step.output_gradient,
                                step.input_gradients[0]);
  }
};

struct SoftCrossEntropy {
  static constexpr const char* type = "soft_cross_entropy";
  static constexpr bool numbers = false;
  static constexpr bool saves = true;

  void check() const {}
  void forward(const LossShape& b, const Step<float>& step, float* probabilities, float* losses) const {
    cpu::soft_cross_entropy_forward(b.rows, b.classes, step.inputs[0], step.inputs[1], probabilities, losses);
  }
  void backward(const LossShape& b, const Step<float>& step, float share) const {
    cpu::soft_cross_entropy_backward(b.rows, b.classes, step.saved, step.inputs[1], share, step.input_gradients[0]);
  }
  template <class T>
  void reference_forward(const LossShape& b, const Step<T>& step) const {
    ref::soft_cross_entropy_forward(b.rows, b.classes, step.inputs[0], step.inputs[1], step.output);
  }
  template <class T>
  void reference_backward(const LossShape& b, const Step<T>& step) const {
    ref::soft_cross_entropy_backward(b.rows, b.classes, step.inputs[0], step.inputs[1], step.output_gradient,
                                     step.input_gradients[0]);
  }
};

struct Hinge {
  static constexpr const char* type = "hinge";
  static constexpr bool numbers = true;
  static constexpr bool saves = false;

  void check() const {}
  void forward(const LossShape& b, const Step<float>& step, float* /*probabilities*/, float* losses) const {
    cpu::hinge_forward(b.rows, b.classes, step.inputs[0], step.inputs[1], losses);
  }
  void backward(const LossShape& b, const Step<float>& step, float share) const {
    cpu::hinge_backward(b.rows, b.classes, step.inputs[0], step.inputs[1], share, step.input_gradients[0]);
  }
  template <class T>
  void reference_forward(const LossShape& b, const Step<T>& step) const {
    ref::hinge_forward(b.rows, b.classes, step.inputs[0], step.inputs[1], step.output);
  }
  template <class T>
  void reference_backward(const LossShape& b, const Step<T>& step) const {
    ref::hinge_backward(b.rows, b.classes, step.inputs[0], step.inputs[1], step.output_gradient,
                        step.input_gradients[0]);
  }
};

template <class Kind>
class LossKernel final : public Kernel {
 public:
  LossKernel(const Kind& kind, const Shape& scores, bool has_backward)
      : kind_(kind), batch_(scores), saves_(Kind::saves && has_backward) {}

  size_t saved_size() const override { return saves_ ? static_cast<size_t>(batch_.rows * batch_.classes) : 0; }
  size_t scratch_size() const override { return static_cast<size_t>(batch_.rows); }

  void forward(const Step<float>& step) override {
    if constexpr (Kind::numbers) check_classes(batch_, step.inputs[1]);
    kind_.forward(batch_, step, saves_ ? step.saved : nullptr, step.scratch);
    double sum = 0;
    for (int64_t n = 0; n < batch_.rows; ++n) sum += step.scratch[n];
    step.output[0] = static_cast<float>(sum / static_cast<double>(batch_.rows));
  }
  void backward(const Step<float>& step) override {
    if constexpr (Kind::numbers) check_classes(batch_, step.inputs[1]);  // the caller may have written others since
    kind_.backward(batch_, step, step.output_gradient[0] / static_cast<float>(batch_.rows));
  }

 private:
  Kind kind_;
  LossShape batch_;
  bool saves_;
};

template <class Kind>
class LossOp final : public OpBase<LossOp<Kind>> {
 public:
  explicit LossOp(const Kind& kind = {}) : kind_(kind) {}

  std::string_view type() const override { return Kind::type; }
  Attributes attributes() const override {
    if constexpr (requires { kind_.smoothing; }) return {{"label_smoothing", kind_.smoothing}};
    return {};
  }
  Shape infer(std::span<const Shape> inputs) const override {
    require_inputs(inputs, 2);
    const Shape& scores = inputs[0];
    const Shape& targets = inputs[1];
    require_rank(scores, 2, "logits {N, K}");
    if constexpr (Kind::numbers) {
      require(targets.rank() >= 1 && targets[0] == scores[0] && targets.elements() == targets[0],
              "expects one class for each of {} samples, shape {} or {}x1, got {}", scores[0], scores[0], scores[0],
              to_string(targets));
    } else {
      require(targets == scores, "expects a target for each logit, shape {}, got {}", to_string(scores),
              to_string(targets));
    }
    kind_.check();
    return {1};
  }
  BackwardReads backward_reads() const override { return {.inputs = true}; }
  bool differentiable(size_t input) const override { return input == 0; }

  template <class T>
  void forward(const Signature& shapes, const Step<T>& step) const {
    kind_.reference_forward(LossShape(shapes.inputs[0]), step);
  }
  template <class T>
  void backward(const Signature& shapes, const Step<T>& step) const {
    kind_.reference_backward(LossShape(shapes.inputs[0]), step);
  }
  std::unique_ptr<Kernel> prepare(const Signature& shapes, const PrepareOptions& options) const override {
    return std::make_unique<LossKernel<Kind>>(kind_, shapes.inputs[0], !options.input_gradients.empty());
  }

 private:
  Kind kind_;
};

template <class Kind>
Value build(Value scores, Value targets, const Kind& kind = {}) {
  return scores.graph().add("", std::make_shared<LossOp<Kind>>(kind), {scores, targets});
}

}  // namespace

std::shared_ptr<const Op> make_cross_entropy(AttributeReader& attributes) {
  return std::make_shared<LossOp<CrossEntropy>>(CrossEntropy{attributes.number("label_smoothing")});
}
std::shared_ptr<const Op> make_soft_cross_entropy(AttributeReader&) {
  return std::make_shared<LossOp<SoftCrossEntropy>>();
}
std::shared_ptr<const Op> make_hinge(AttributeReader&) { return std::make_shared<LossOp<Hinge>>(); }

Value cross_entropy(Value logits, Value classes, double label_smoothing) {
  return build(logits, classes, CrossEntropy{label_smoothing});
}
Value soft_cross_entropy(Value logits, Value targets) { return build<SoftCrossEntropy>(logits, targets); }
Value hinge(Value scores, Value classes) { return build<Hinge>(scores, classes); }

}  // namespace fovea
