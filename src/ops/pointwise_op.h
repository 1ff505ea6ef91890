#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
#include <type_traits>

#include "kernels/cpu/elementwise.h"
#include "kernels/cpu/pointwise.h"
#include "kernels/ref/pointwise.h"
#include "ops/checks.h"
#include "ops/op_base.h"
#include "ops/tail.h"

namespace fovea {

// What a slope needs.
constexpr BackwardReads x_alone = {.inputs = true};
constexpr BackwardReads y_alone = {.output = true};
constexpr BackwardReads both = {.inputs = true, .output = true};
constexpr BackwardReads neither = {};

// F: cpu::Pointwise or cpu::Elementwise.
template <class F>
class PointwiseKernel final : public Kernel {
 public:
  PointwiseKernel(F function, const cpu::Coefficients& coefficients, int64_t count)
      : function_(function), coefficients_(coefficients), count_(count) {}

  void forward(const Step<float>& step) override {
    if constexpr (std::is_same_v<F, cpu::Pointwise>) {
      cpu::pointwise_forward(function_, coefficients_.alpha, count_, step.inputs[0], step.output);
    } else {
      cpu::elementwise_forward(function_, coefficients_, count_, step.inputs[0], step.output);
    }
  }
  void backward(const Step<float>& step) override {
    if constexpr (std::is_same_v<F, cpu::Pointwise>) {
      cpu::pointwise_backward(function_, coefficients_.alpha, count_, step.inputs[0], step.output, step.output_gradient,
                              step.input_gradients[0]);
    } else {
      cpu::elementwise_backward(function_, coefficients_, count_, step.inputs[0], step.output, step.output_gradient,
                                step.input_gradients[0]);
    }
  }

 private:
  F function_;
  cpu::Coefficients coefficients_;
  int64_t count_;
};

// Function: one of kernels/ref/pointwise.h or elementwise.h; its options() are pairs of name and number.
// fast: its twin; those of cpu::Pointwise can be part of a tail.
template <class Function, auto fast, BackwardReads reads>
class PointwiseOp final : public OpBase<PointwiseOp<Function, fast, reads>> {
 public:
  explicit PointwiseOp(const char* type, Function function = {}) : type_(type), function_(function) {}

  std::string_view type() const override { return type_; }
  Attributes attributes() const override {
    Attributes result;
    if constexpr (has_options) {
      for (const auto& [name, value] : function_.options()) result[name] = value;
    }
    return result;
  }
  Shape infer(std::span<const Shape> inputs) const override {
    require_inputs(inputs, 1);
    if constexpr (has_options) {
      for (const auto& [name, value] : function_.options()) {
        require(std::isfinite(value), "{} must be finite, got {}", name, value);
      }
    }
    if constexpr (requires { function_.problem(); }) require(!function_.problem(), "{}", function_.problem());
    return inputs[0];
  }
  BackwardReads backward_reads() const override { return reads; }
  std::optional<size_t> in_place_input() const override {
    return reads.inputs ? std::nullopt : std::optional<size_t>(0);
  }
  bool join(const Signature&, Tail& tail) const override {
    if constexpr (std::is_same_v<std::remove_const_t<decltype(fast)>, cpu::Pointwise>) {
      if (tail.ends()) return false;
      tail.activation = fast;
      tail.alpha = coefficients().alpha;
      return true;
    } else {
      return false;
    }
  }

  template <class T>
  void forward(const Signature& shapes, const Step<T>& step) const {
    ref::pointwise_forward(function_, shapes.output.elements(), step.inputs[0], step.output);
  }
  template <class T>
  void backward(const Signature& shapes, const Step<T>& step) const {
    ref::pointwise_backward(function_, shapes.output.elements(), step.inputs[0], step.output, step.output_gradient,
                            step.input_gradients[0]);
  }
  std::unique_ptr<Kernel> prepare(const Signature& shapes, const PrepareOptions&) const override {
    return std::make_unique<PointwiseKernel<std::remove_const_t<decltype(fast)>>>(fast, coefficients(),
                                                                                  shapes.output.elements());
  }

 private:
  static constexpr bool has_options = requires(const Function& f) { f.options(); };

  cpu::Coefficients coefficients() const {
    cpu::Coefficients result;
    if constexpr (has_options) {
      const auto options = function_.options();
      result.alpha = static_cast<float>(options[0].second);
      if constexpr (options.size() > 1) result.beta = static_cast<float>(options[1].second);
    }
    return result;
  }

  const char* type_;
  Function function_;
};

}  // namespace fovea
