// Group normalisation (Wu & He 2018); with one channel a group, instance normalisation (Ulyanov et al. 2016).
#include "kernels/ref/group_norm.h"

#include <algorithm>
#include <cmath>

#include "fovea/ops.h"
#include "kernels/cpu/batch_norm.h"
#include "ops/checks.h"
#include "ops/op_base.h"
#include "ops/table.h"

namespace fovea {

namespace {

enum Parameter : size_t { weight, bias };

// Sample by sample by the kernels of batch norm, which work channel by channel; their statistics are joined here.
class GroupNormKernel final : public Kernel {
 public:
  GroupNormKernel(const ref::GroupNormShape& shape, bool affine) : s_(shape), affine_(affine) {}

  // Of each channel of each sample: its group's mean, what the mean's rounding left, and 1 / deviation.
  size_t saved_size() const override { return static_cast<size_t>(3 * s_.batch * s_.channels); }
  size_t scratch_size() const override {
    return static_cast<size_t>(3 * s_.channels) + cpu::batch_norm_scratch(s_.rows, s_.channels);
  }

  void forward(const Step<float>& step) override {
    float* const scale = step.scratch;
    float* const shift = scale + s_.channels;
    float* const variance = shift + s_.channels;
    for (int64_t n = 0; n < s_.batch; ++n) {
      const Saved saved = saved_of(step, n);
      const int64_t first = n * s_.rows * s_.channels;
      cpu::batch_norm_statistics(s_.rows, s_.channels, step.inputs[0] + first, saved.mean, saved.mean_rest, variance,
                                 variance + s_.channels);
      for (int64_t g = 0; g < s_.groups; ++g) join(g, saved, variance);
      for (int64_t c = 0; c < s_.channels; ++c) {
        scale[c] = weight_of(step, c) * saved.inverse_deviation[c];
        shift[c] = (affine_ ? step.parameters[bias][c] : 0.0F) - scale[c] * saved.mean_rest[c];
      }
      cpu::batch_norm_forward(s_.rows, s_.channels, step.inputs[0] + first, s_.channels, saved.mean, scale, shift, {},
                              step.output + first);
    }
  }

  // kernels/ref/group_norm.h has the formula; here dx = a dy + b (x - mean) + c.
  void backward(const Step<float>& step) override {
    float* const a = step.scratch;
    float* const product = a + s_.channels;    // becomes b
    float* const sum = product + s_.channels;  // becomes c
    float* const dweight = affine_ ? step.parameter_gradients[weight] : nullptr;
    float* const dbias = affine_ ? step.parameter_gradients[bias] : nullptr;
    if (dweight) std::fill_n(dweight, s_.channels, 0.0F);
    if (dbias) std::fill_n(dbias, s_.channels, 0.0F);
    for (int64_t n = 0; n < s_.batch; ++n) {
      const Saved saved = saved_of(step, n);
      const int64_t first = n * s_.rows * s_.channels;
      const float* const x = step.inputs[0] + first;
      const cpu::MaskedGradient dy = {step.output_gradient + first, nullptr};
      cpu::batch_norm_sums(s_.rows, s_.channels, x, saved.mean, dy, sum, product, sum + s_.channels);
      for (int64_t c = 0; c < s_.channels; ++c) {
        product[c] = (product[c] - saved.mean_rest[c] * sum[c]) * saved.inverse_deviation[c];
        if (dweight) dweight[c] += product[c];
        if (dbias) dbias[c] += sum[c];
      }
      if (!step.input_gradients[0]) continue;
      for (int64_t g = 0; g < s_.groups; ++g) coefficients(step, g, saved, a, product, sum);
      cpu::batch_norm_backward(s_.rows, s_.channels, x, saved.mean, dy, a, product, sum,
                               step.input_gradients[0] + first, nullptr);
    }
  }

 private:
  struct Saved {
    float *mean, *mean_rest, *inverse_deviation;
  };
  Saved saved_of(const Step<float>& step, int64_t n) const {
    float* const mean = step.saved + 3 * n * s_.channels;
    return {mean, mean + s_.channels, mean + 2 * s_.channels};
  }
  float weight_of(const Step<float>& step, int64_t c) const { return affine_ ? step.parameters[weight][c] : 1.0F; }
  int64_t group_channels() const { return s_.channels / s_.groups; }
  int64_t begin(int64_t g) const { return g * group_channels(); }

  // Statistics of the channels of a group become those of the group.
  void join(int64_t g, const Saved& saved, const float* variance) const {
    const auto width = static_cast<double>(group_channels());
    const auto mean_of = [&](int64_t c) { return static_cast<double>(saved.mean[c]) + saved.mean_rest[c]; };
    double mean = 0;
    for (int64_t c = begin(g); c < begin(g + 1); ++c) mean += mean_of(c) / width;
    double squares = 0;
    for (int64_t c = begin(g); c < begin(g + 1); ++c) {
      squares += (variance[c] + (mean_of(c) - mean) * (mean_of(c) - mean)) / width;
    }
    const auto rounded = static_cast<float>(mean);
    std::fill(saved.mean + begin(g), saved.mean + begin(g + 1), rounded);
    std::fill(saved.mean_rest + begin(g), saved.mean_rest + begin(g + 1), static_cast<float>(mean - rounded));
    std::fill(saved.inverse_deviation + begin(g), saved.inverse_deviation + begin(g + 1),
              static_cast<float>(1 / std::sqrt(squares + s_.epsilon)));
  }

  // b holds sum(dy z), c holds sum(dy) of each channel.
  void coefficients(const Step<float>& step, int64_t g, const Saved& saved, float* a, float* b, float* c) const {
    double sum = 0;
    double product = 0;
    for (int64_t k = begin(g); k < begin(g + 1); ++k) {
      sum += static_cast<double>(weight_of(step, k)) * c[k];
      product += static_cast<double>(weight_of(step, k)) * b[k];
    }
    const auto share = 1 / static_cast<double>(s_.size());
    for (int64_t k = begin(g); k < begin(g + 1); ++k) {
      const double inverse = saved.inverse_deviation[k];
      a[k] = weight_of(step, k) * saved.inverse_deviation[k];
      b[k] = static_cast<float>(-inverse * inverse * product * share);
      c[k] = static_cast<float>(-inverse * sum * share) - b[k] * saved.mean_rest[k];
    }
  }

  ref::GroupNormShape s_;
  bool affine_;
};

class GroupNormOp final : public OpBase<GroupNormOp> {
 public:
  explicit GroupNormOp(const GroupNormOptions& options) : options_(options) {}

  std::string_view type() const override { return "group_norm"; }
  Attributes attributes() const override {
    return {{"groups", options_.groups}, {"epsilon", options_.epsilon}, {"affine", options_.affine}};
  }
  Shape infer(std::span<const Shape> inputs) const override {
    require_inputs(inputs, 1);
    const Shape& x = inputs[0];
    require(x.rank() >= 2, "expects a batch with channels last (rank 2 or more), got {} (rank {})", to_string(x),
            x.rank());
    require(options_.groups >= 1 && x.back() % options_.groups == 0, "{} channels cannot be divided among {} groups",
            x.back(), options_.groups);
    require(options_.epsilon > 0 && std::isfinite(options_.epsilon), "epsilon must be positive, got {}",
            options_.epsilon);
    return x;
  }
  std::vector<ParameterSpec> parameters(std::span<const Shape> inputs) const override {
    if (!options_.affine) return {};
    const Shape channels = {inputs[0].back()};
    return {{"weight", channels, Fill::ones}, {"bias", channels, Fill::zeros}};
  }
  BackwardReads backward_reads() const override { return {.inputs = true}; }

  template <class T>
  void forward(const Signature& shapes, const Step<T>& step) const {
    ref::group_norm_forward(shape(shapes.output), step.inputs[0], of(step.parameters, weight),
                            of(step.parameters, bias), step.output);
  }
  template <class T>
  void backward(const Signature& shapes, const Step<T>& step) const {
    ref::group_norm_backward(shape(shapes.output), step.inputs[0], of(step.parameters, weight), step.output_gradient,
                             step.input_gradients[0], of(step.parameter_gradients, weight),
                             of(step.parameter_gradients, bias));
  }
  std::unique_ptr<Kernel> prepare(const Signature& shapes, const PrepareOptions&) const override {
    return std::make_unique<GroupNormKernel>(shape(shapes.output), options_.affine);
  }

 private:
  template <class T>
  T* of(std::span<T* const> parameters, Parameter which) const {
    return options_.affine ? parameters[which] : nullptr;
  }
  ref::GroupNormShape shape(const Shape& x) const {
    return {x[0], x.elements() / (x[0] * x.back()), x.back(), options_.groups, options_.epsilon};
  }

  GroupNormOptions options_;
};

}  // namespace

std::shared_ptr<const Op> make_group_norm(AttributeReader& attributes) {
  GroupNormOptions options;
  options.groups = attributes.integer("groups");
  options.epsilon = attributes.number("epsilon");
  options.affine = attributes.boolean("affine");
  return std::make_shared<GroupNormOp>(options);
}

Value group_norm(const Scope& scope, Value x, const GroupNormOptions& options) {
  return scope.graph().add(scope.path(), std::make_shared<GroupNormOp>(options), {x});
}

Value instance_norm(const Scope& scope, Value x, double epsilon, bool affine) {
  return group_norm(scope, x, {.groups = x.shape().back(), .epsilon = epsilon, .affine = affine});
}

}  // namespace fovea
