// Values of one shape, each times a number that is fixed: losses of several outputs become one.
#include <cmath>
#include <vector>

#include "fovea/ops.h"
#include "ops/checks.h"
#include "ops/op_base.h"
#include "ops/table.h"

namespace fovea {

namespace {

// Meant for single numbers: the specification serves.
template <class T>
void sum_forward(const std::vector<double>& weights, int64_t count, std::span<const T* const> x, T* y) {
  for (int64_t i = 0; i < count; ++i) {
    y[i] = 0;
    for (size_t k = 0; k < weights.size(); ++k) y[i] += T(weights[k]) * x[k][i];
  }
}

template <class T>
void sum_backward(const std::vector<double>& weights, int64_t count, const T* dy, std::span<T* const> dx) {
  for (size_t k = 0; k < weights.size(); ++k) {
    for (int64_t i = 0; dx[k] && i < count; ++i) dx[k][i] = T(weights[k]) * dy[i];
  }
}

class WeightedSumOp final : public OpBase<WeightedSumOp> {
 public:
  explicit WeightedSumOp(std::vector<double> weights) : weights_(std::move(weights)) {}

  std::string_view type() const override { return "weighted_sum"; }
  Attributes attributes() const override { return {{"weights", weights_}}; }
  Shape infer(std::span<const Shape> inputs) const override {
    require(!weights_.empty(), "takes at least one input, got none");
    require_inputs(inputs, weights_.size());
    for (const Shape& input : inputs) {
      require(input == inputs[0], "inputs must have the same shape, got {} and {}", to_string(inputs[0]),
              to_string(input));
    }
    for (const double weight : weights_) require(std::isfinite(weight), "weights must be finite, got {}", weight);
    return inputs[0];
  }
  BackwardReads backward_reads() const override { return {}; }

  template <class T>
  void forward(const Signature& shapes, const Step<T>& step) const {
    sum_forward(weights_, shapes.output.elements(), step.inputs, step.output);
  }
  template <class T>
  void backward(const Signature& shapes, const Step<T>& step) const {
    sum_backward(weights_, shapes.output.elements(), step.output_gradient, step.input_gradients);
  }
  std::unique_ptr<Kernel> prepare(const Signature& shapes, const PrepareOptions&) const override {
    return std::make_unique<SumKernel>(weights_, shapes.output.elements());
  }

 private:
  class SumKernel final : public Kernel {
   public:
    SumKernel(std::vector<double> weights, int64_t count) : weights_(std::move(weights)), count_(count) {}
    void forward(const Step<float>& step) override { sum_forward(weights_, count_, step.inputs, step.output); }
    void backward(const Step<float>& step) override {
      sum_backward(weights_, count_, step.output_gradient, step.input_gradients);
    }

   private:
    std::vector<double> weights_;
    int64_t count_;
  };

  std::vector<double> weights_;
};

}  // namespace

std::shared_ptr<const Op> make_weighted_sum(AttributeReader& attributes) {
  return std::make_shared<WeightedSumOp>(attributes.numbers("weights"));
}

Value weighted_sum(const std::vector<Value>& values, const std::vector<double>& weights) {
  if (values.empty()) throw Error(ErrorKind::usage, "weighted_sum takes at least one value, got none");
  return values[0].graph().add("", std::make_shared<WeightedSumOp>(weights), values);
}

}  // namespace fovea
