// Local response normalisation across channels (Krizhevsky et al. 2012, section 3.3).
#include "kernels/cpu/local_response_norm.h"

#include <algorithm>
#include <cmath>

#include "fovea/ops.h"
#include "kernels/ref/local_response_norm.h"
#include "ops/checks.h"
#include "ops/op_base.h"
#include "ops/table.h"

namespace fovea {

namespace {

class LocalResponseNormKernel final : public Kernel {
 public:
  explicit LocalResponseNormKernel(const LocalResponse& p) : p_(p), count_(static_cast<size_t>(p.rows * p.channels)) {}

  size_t saved_size() const override { return count_; }
  size_t scratch_size() const override { return count_; }
  void forward(const Step<float>& step) override {
    cpu::local_response_forward(p_, step.inputs[0], step.output, step.saved);
  }
  void backward(const Step<float>& step) override {
    cpu::local_response_backward(p_, step.inputs[0], step.saved, step.output_gradient, step.input_gradients[0],
                                 step.scratch);
  }

 private:
  LocalResponse p_;
  size_t count_;
};

class LocalResponseNormOp final : public OpBase<LocalResponseNormOp> {
 public:
  explicit LocalResponseNormOp(const LocalResponseNormOptions& options) : options_(options) {}

  std::string_view type() const override { return "local_response_norm"; }
  Attributes attributes() const override {
    return {{"size", options_.size}, {"alpha", options_.alpha}, {"beta", options_.beta}, {"k", options_.k}};
  }
  Shape infer(std::span<const Shape> inputs) const override {
    require_inputs(inputs, 1);
    require(inputs[0].rank() >= 2, "expects a batch with channels last (rank 2 or more), got {} (rank {})",
            to_string(inputs[0]), inputs[0].rank());
    constexpr int64_t largest = int64_t{1} << 24;
    require(options_.size >= 1 && options_.size <= largest, "size must be between 1 and {}, got {}", largest,
            options_.size);
    require(options_.alpha >= 0 && std::isfinite(options_.alpha), "alpha must not be negative, got {}", options_.alpha);
    require(options_.k > 0 && std::isfinite(options_.k), "k must be positive, got {}", options_.k);
    require(std::isfinite(options_.beta), "beta must be finite, got {}", options_.beta);
    return inputs[0];
  }
  BackwardReads backward_reads() const override { return {.inputs = true}; }

  template <class T>
  void forward(const Signature& shapes, const Step<T>& step) const {
    ref::local_response_forward(response(shapes.output), step.inputs[0], step.output);
  }
  template <class T>
  void backward(const Signature& shapes, const Step<T>& step) const {
    ref::local_response_backward(response(shapes.output), step.inputs[0], step.output_gradient,
                                 step.input_gradients[0]);
  }
  std::unique_ptr<Kernel> prepare(const Signature& shapes, const PrepareOptions&) const override {
    return std::make_unique<LocalResponseNormKernel>(response(shapes.output));
  }

 private:
  LocalResponse response(const Shape& x) const {
    return {.rows = x.elements() / x.back(),
            .channels = x.back(),
            .before = std::min(options_.size / 2, x.back()),
            .after = std::min((options_.size - 1) / 2, x.back()),
            .share = options_.alpha / static_cast<double>(options_.size),
            .beta = options_.beta,
            .k = options_.k};
  }

  LocalResponseNormOptions options_;
};

}  // namespace

std::shared_ptr<const Op> make_local_response_norm(AttributeReader& attributes) {
  LocalResponseNormOptions options;
  options.size = attributes.integer("size");
  options.alpha = attributes.number("alpha");
  options.beta = attributes.number("beta");
  options.k = attributes.number("k");
  return std::make_shared<LocalResponseNormOp>(options);
}

Value local_response_norm(Value x, const LocalResponseNormOptions& options) {
  return x.graph().add("", std::make_shared<LocalResponseNormOp>(options), {x});
}

}  // namespace fovea
