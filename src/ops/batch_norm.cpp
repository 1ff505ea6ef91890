// Batch normalisation (Ioffe & Szegedy 2015) per channel, the last axis.
#include "kernels/cpu/batch_norm.h"

#include <algorithm>
#include <cmath>

#include "fovea/ops.h"
#include "kernels/ref/batch_norm.h"
#include "ops/checks.h"
#include "ops/op_base.h"
#include "ops/table.h"
#include "ops/tail.h"

namespace fovea {

namespace {

enum Parameter : size_t { weight, bias, running_mean, running_variance };

// A batch of one value has no variance.
void require_batch(const Shape& x, bool training) {
  if (!training || x.elements() > x.back()) return;
  throw Error(ErrorKind::usage,
              fmt::format("batch norm in training expects more than one value per channel, got {}: use a larger batch",
                          to_string(x)));
}

class BatchNormKernel final : public Kernel {
 public:
  // tail may be null.
  // stride: floats from pixel to pixel of x; 0: channels
  BatchNormKernel(const Shape& x, int64_t stride, const BatchNormOptions& options, const Tail* tail)
      : channels_(x.back()),
        rows_(x.elements() / x.back()),
        stride_(stride > 0 ? stride : channels_),
        options_(options),
        tail_(tail ? *tail : Tail{}) {}

  // Mean, what its rounding left (a float near 1000 is off by up to 3e-5), and 1 / deviation.
  size_t saved_size() const override { return static_cast<size_t>(3 * channels_); }
  // Three coefficients per channel besides what the kernels need.
  size_t scratch_size() const override {
    return static_cast<size_t>(3 * channels_) + cpu::batch_norm_scratch(rows_, channels_);
  }

  // y = activation(scale (x - mean) + shift + residual)
  void forward(const Step<float>& step) override {
    float* const mean = step.saved;
    float* const mean_rest = mean + channels_;
    float* const inverse_deviation = mean_rest + channels_;
    float* const scale = step.scratch;
    float* const shift = scale + channels_;
    float* const variance = shift + channels_;
    if (step.training) {
      cpu::batch_norm_statistics(rows_, channels_, step.inputs[0], mean, mean_rest, variance, variance + channels_);
      move_running(step, mean, variance);
    } else {
      std::copy_n(step.parameters[running_mean], channels_, mean);
      std::fill_n(mean_rest, channels_, 0.0F);
      std::copy_n(step.parameters[running_variance], channels_, variance);
    }
    for (int64_t c = 0; c < channels_; ++c) {
      inverse_deviation[c] = static_cast<float>(1 / std::sqrt(variance[c] + options_.epsilon));
      scale[c] = step.parameters[weight][c] * inverse_deviation[c];
      shift[c] = step.parameters[bias][c] - scale[c] * mean_rest[c];
    }
    const cpu::Epilogue epilogue = {.bias = nullptr,
                                    .residual = tail_.residual ? step.inputs[1] : nullptr,
                                    .activation = tail_.activation,
                                    .alpha = tail_.alpha};
    cpu::batch_norm_forward(rows_, channels_, step.inputs[0], stride_, mean, scale, shift, epilogue, step.output);
  }

  // kernels/ref/batch_norm.h has the formula; here dx = a dz + b (x - mean) + c, z being what the activation gets.
  void backward(const Step<float>& step) override {
    const float* const mean = step.saved;
    const float* const mean_rest = mean + channels_;
    const float* const inverse_deviation = mean_rest + channels_;
    float* const a = step.scratch;
    float* const b = a + channels_;
    float* const c = b + channels_;
    float* const sum = c;      // each is read before the coefficient of its channel is written
    float* const product = b;  // of dy and x - mean
    const cpu::MaskedGradient dz = {step.output_gradient, tail_.ends() ? step.output : nullptr};
    cpu::batch_norm_sums(rows_, channels_, step.inputs[0], mean, dz, sum, product, c + channels_);
    const float share = step.training ? 1.0F / static_cast<float>(rows_) : 0.0F;
    for (int64_t k = 0; k < channels_; ++k) {
      const float dbias = sum[k];
      const float dweight = (product[k] - mean_rest[k] * dbias) * inverse_deviation[k];
      if (step.parameter_gradients[weight]) step.parameter_gradients[weight][k] = dweight;
      if (step.parameter_gradients[bias]) step.parameter_gradients[bias][k] = dbias;
      a[k] = step.parameters[weight][k] * inverse_deviation[k];
      b[k] = -a[k] * inverse_deviation[k] * dweight * share;
      c[k] = -a[k] * dbias * share - b[k] * mean_rest[k];
    }
    float* const residual_gradient = tail_.residual ? step.input_gradients[1] : nullptr;
    if (!step.input_gradients[0] && !residual_gradient) return;
    cpu::batch_norm_backward(rows_, channels_, step.inputs[0], mean, dz, a, b, c, step.input_gradients[0],
                             residual_gradient);
  }

 private:
  void move_running(const Step<float>& step, const float* mean, const float* variance) const {
    const double unbiased = static_cast<double>(rows_) / static_cast<double>(rows_ - 1);
    const double momentum = options_.momentum;
    for (int64_t c = 0; c < channels_; ++c) {
      float& m = step.parameters[running_mean][c];
      float& v = step.parameters[running_variance][c];
      m = static_cast<float>((1 - momentum) * m + momentum * mean[c]);
      v = static_cast<float>((1 - momentum) * v + momentum * unbiased * variance[c]);
    }
  }

  int64_t channels_, rows_, stride_;
  BatchNormOptions options_;
  Tail tail_;
};

class BatchNormOp final : public OpBase<BatchNormOp> {
 public:
  explicit BatchNormOp(const BatchNormOptions& options) : options_(options) {}

  std::string_view type() const override { return "batch_norm"; }
  Attributes attributes() const override { return {{"epsilon", options_.epsilon}, {"momentum", options_.momentum}}; }
  Shape infer(std::span<const Shape> inputs) const override {
    require_inputs(inputs, 1);
    require(inputs[0].rank() >= 2, "expects a batch with channels last (rank 2 or more), got {} (rank {})",
            to_string(inputs[0]), inputs[0].rank());
    require(options_.epsilon > 0 && std::isfinite(options_.epsilon), "epsilon must be positive, got {}",
            options_.epsilon);
    require(options_.momentum >= 0 && options_.momentum <= 1, "momentum must be between 0 and 1, got {}",
            options_.momentum);
    return inputs[0];
  }
  std::vector<ParameterSpec> parameters(std::span<const Shape> inputs) const override {
    const Shape channels = {inputs[0].back()};
    return {{"weight", channels, Fill::ones},
            {"bias", channels, Fill::zeros},
            {"running_mean", channels, Fill::zeros, false},
            {"running_var", channels, Fill::ones, false}};
  }
  BackwardReads backward_reads() const override { return {.inputs = true}; }
  bool join(const Signature&, Tail& tail) const override {
    if (tail.ends() || tail.residual || tail.folds()) return false;
    tail.batch_norm_epsilon = options_.epsilon;
    return true;
  }
  // Backward sees from the output where a ReLU let the sum pass; other activations hide it.
  bool fuses(const Tail& tail, bool training) const override {
    if (tail.folds() || !tail.is_real()) return false;
    return !training || tail.activation == cpu::Pointwise::identity || tail.activation == cpu::Pointwise::relu;
  }

  bool reads_slices(size_t input) const override { return input == 0; }

  size_t reference_saved_size(const Signature& shapes) const override {
    return static_cast<size_t>(2 * shapes.output.back());
  }
  template <class T>
  void forward(const Signature& shapes, const Step<T>& step) const {
    require_batch(shapes.output, step.training);
    const int64_t channels = shapes.output.back();
    const int64_t rows = shapes.output.elements() / channels;
    ref::batch_norm_statistics(rows, channels, options_.epsilon, options_.momentum, step.training, step.inputs[0],
                               step.parameters[running_mean], step.parameters[running_variance], step.saved,
                               step.saved + channels);
    ref::batch_norm_forward(rows, channels, step.inputs[0], step.saved, step.saved + channels, step.parameters[weight],
                            step.parameters[bias], step.output);
  }
  template <class T>
  void backward(const Signature& shapes, const Step<T>& step) const {
    const int64_t channels = shapes.output.back();
    ref::batch_norm_backward(shapes.output.elements() / channels, channels, step.training, step.inputs[0], step.saved,
                             step.saved + channels, step.parameters[weight], step.output_gradient,
                             step.input_gradients[0], step.parameter_gradients[weight], step.parameter_gradients[bias]);
  }
  std::unique_ptr<Kernel> prepare(const Signature& shapes, const PrepareOptions& options) const override {
    require_batch(shapes.output, options.training);
    return std::make_unique<BatchNormKernel>(shapes.output, options.input_stride(0), options_, options.tail);
  }

 private:
  BatchNormOptions options_;
};

}  // namespace

std::shared_ptr<const Op> make_batch_norm(AttributeReader& attributes) {
  return std::make_shared<BatchNormOp>(
      BatchNormOptions{.epsilon = attributes.number("epsilon"), .momentum = attributes.number("momentum")});
}

Value batch_norm(const Scope& scope, Value x, const BatchNormOptions& options) {
  return scope.graph().add(scope.path(), std::make_shared<BatchNormOp>(options), {x});
}

}  // namespace fovea
