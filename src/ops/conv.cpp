#include "kernels/cpu/conv.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/saturate.h"
#include "fovea/ops.h"
#include "kernels/cpu/depthwise.h"
#include "kernels/cpu/direct_conv.h"
#include "kernels/cpu/winograd.h"
#include "kernels/ref/conv.h"
#include "ops/checks.h"
#include "ops/folded.h"
#include "ops/op_base.h"
#include "ops/spatial.h"
#include "ops/table.h"

namespace fovea {

namespace {

class ConvKernel final : public Kernel {
 public:
  ConvKernel(const ConvShape& shape, FoldedParameters parameters, bool input_gradient, bool parameter_gradients)
      : parameters_(std::move(parameters)),
        conv_(shape),
        weights_per_filter_(shape.group_channels() * shape.taps()),
        parameter_gradients_(parameter_gradients) {
    if (input_gradient) input_gradient_.emplace(shape);
  }

  std::string algorithm() const override { return "implicit gemm"; }
  size_t scratch_size() const override {
    return std::max({conv_.forward_scratch(), parameter_gradients_ ? conv_.weight_gradient_scratch() : 0,
                     input_gradient_ ? input_gradient_->scratch() : 0});
  }
  void load(std::span<const float* const> parameters) override {
    const float* const weight = parameters_.load(parameters, weights_per_filter_);
    conv_.load(weight);
    if (input_gradient_) input_gradient_->load(weight);
    parameters_.release_weight();
  }
  void forward(const Step<float>& step) override {
    conv_.forward(step.inputs[0], parameters_.epilogue(step), step.output, step.scratch);
  }
  void backward(const Step<float>& step) override {
    if (step.parameter_gradients[0]) {
      conv_.weight_gradient(step.inputs[0], step.output_gradient, step.parameter_gradients[0],
                            step.parameter_gradients.size() > 1 ? step.parameter_gradients[1] : nullptr, step.scratch);
    }
    if (step.input_gradients[0]) input_gradient_->run(step.output_gradient, step.input_gradients[0], step.scratch);
  }

 private:
  FoldedParameters parameters_;
  cpu::Conv conv_;
  std::optional<cpu::ConvInputGradient> input_gradient_;
  int64_t weights_per_filter_;
  bool parameter_gradients_;
};

// A first layer's input gradient is rarely wanted; then it is left to the matrix multiplication.
class DirectConvKernel final : public Kernel {
 public:
  DirectConvKernel(const ConvShape& shape, FoldedParameters parameters, bool input_gradient, bool parameter_gradients)
      : parameters_(std::move(parameters)),
        direct_(shape),
        weights_per_filter_(shape.group_channels() * shape.taps()),
        parameter_gradients_(parameter_gradients) {
    if (input_gradient) input_gradient_.emplace(shape);
  }

  std::string algorithm() const override { return "direct: few channels"; }
  size_t scratch_size() const override {
    return std::max({direct_.forward_scratch(), parameter_gradients_ ? direct_.weight_gradient_scratch() : 0,
                     input_gradient_ ? input_gradient_->scratch() : 0});
  }
  void load(std::span<const float* const> parameters) override {
    weight_ = parameters_.load(parameters, weights_per_filter_);
    if (input_gradient_) input_gradient_->load(weight_);
  }
  void forward(const Step<float>& step) override {
    direct_.forward(step.inputs[0], weight_, parameters_.epilogue(step), step.output, step.scratch);
  }
  void backward(const Step<float>& step) override {
    if (step.parameter_gradients[0]) {
      direct_.weight_gradient(step.inputs[0], step.output_gradient, step.parameter_gradients[0],
                              step.parameter_gradients.size() > 1 ? step.parameter_gradients[1] : nullptr,
                              step.scratch);
    }
    if (step.input_gradients[0]) input_gradient_->run(step.output_gradient, step.input_gradients[0], step.scratch);
  }

 private:
  FoldedParameters parameters_;
  cpu::DirectConv direct_;
  std::optional<cpu::ConvInputGradient> input_gradient_;
  int64_t weights_per_filter_;
  const float* weight_ = nullptr;
  bool parameter_gradients_;
};

class WinogradKernel final : public Kernel {
 public:
  WinogradKernel(const ConvShape& shape, FoldedParameters parameters, bool input_gradient, bool parameter_gradients)
      : parameters_(std::move(parameters)),
        winograd_(shape, input_gradient, parameter_gradients),
        weights_per_filter_(shape.channels * shape.taps()) {}

  std::string algorithm() const override { return "winograd: 4x4 outputs of 3x3 windows"; }
  size_t scratch_size() const override { return winograd_.scratch(); }
  void load(std::span<const float* const> parameters) override {
    winograd_.load(parameters_.load(parameters, weights_per_filter_));
    parameters_.release_weight();
  }
  void forward(const Step<float>& step) override {
    winograd_.forward(step.inputs[0], parameters_.epilogue(step), step.output, step.scratch);
  }
  void backward(const Step<float>& step) override {
    if (step.parameter_gradients[0]) {
      winograd_.weight_gradient(step.inputs[0], step.output_gradient, step.parameter_gradients[0],
                                step.parameter_gradients.size() > 1 ? step.parameter_gradients[1] : nullptr,
                                step.scratch);
    }
    if (step.input_gradients[0]) winograd_.input_gradient(step.output_gradient, step.input_gradients[0], step.scratch);
  }

 private:
  FoldedParameters parameters_;
  cpu::Winograd winograd_;
  int64_t weights_per_filter_;
};

class DepthwiseKernel final : public Kernel {
 public:
  DepthwiseKernel(const ConvShape& shape, FoldedParameters parameters, bool input_gradient, bool parameter_gradients)
      : parameters_(std::move(parameters)),
        depthwise_(shape, input_gradient),
        weights_per_filter_(shape.taps()),
        parameter_gradients_(parameter_gradients) {}

  std::string algorithm() const override { return "depthwise: one channel a filter"; }
  size_t scratch_size() const override { return parameter_gradients_ ? depthwise_.weight_gradient_scratch() : 0; }
  void load(std::span<const float* const> parameters) override {
    depthwise_.load(parameters_.load(parameters, weights_per_filter_));
    parameters_.release_weight();
  }
  void forward(const Step<float>& step) override {
    depthwise_.forward(step.inputs[0], parameters_.epilogue(step), step.output);
  }
  void backward(const Step<float>& step) override {
    if (step.parameter_gradients[0]) {
      depthwise_.weight_gradient(step.inputs[0], step.output_gradient, step.parameter_gradients[0],
                                 step.parameter_gradients.size() > 1 ? step.parameter_gradients[1] : nullptr,
                                 step.scratch);
    }
    if (step.input_gradients[0]) depthwise_.input_gradient(step.output_gradient, step.input_gradients[0]);
  }

 private:
  FoldedParameters parameters_;
  cpu::Depthwise depthwise_;
  int64_t weights_per_filter_;
  bool parameter_gradients_;
};

class ConvOp final : public OpBase<ConvOp> {
 public:
  explicit ConvOp(const ConvOptions& options) : options_(options) {}

  std::string_view type() const override { return "conv"; }
  Attributes attributes() const override {
    Attributes attributes = {{"filters", options_.filters},
                             {"kernel", to_attribute(options_.kernel)},
                             {"stride", to_attribute(options_.stride)},
                             {"dilation", to_attribute(options_.dilation)},
                             {"groups", options_.groups},
                             {"bias", options_.bias}};
    write_padding(attributes, options_.padding);
    return attributes;
  }

  Shape infer(std::span<const Shape> inputs) const override {
    require_inputs(inputs, 1);
    require_rank(inputs[0], 4, "a picture {N, H, W, C}");
    check_options();
    require(inputs[0].back() % options_.groups == 0, "{} input channels cannot be split into {} groups",
            inputs[0].back(), options_.groups);
    const ConvShape s = conv_shape(inputs[0]);
    require(s.out_height > 0 && s.out_width > 0, "the {}x{} window does not fit the {}x{} picture with its padding",
            window().extent[0], window().extent[1], s.height, s.width);
    return {s.batch, s.out_height, s.out_width, s.filters};
  }

  std::vector<ParameterSpec> parameters(std::span<const Shape> inputs) const override {
    const ConvShape s = conv_shape(inputs[0]);
    std::vector<ParameterSpec> specs = {{"weight",
                                         {s.filters, s.group_channels(), s.kernel_height, s.kernel_width},
                                         Fill::weight,
                                         true,
                                         s.group_channels() * s.taps(),
                                         s.group_filters() * s.taps()}};
    if (options_.bias) specs.push_back({"bias", {s.filters}, Fill::zeros});
    return specs;
  }

  int64_t multiply_adds(const Signature& shapes) const override {
    const ConvShape s = conv_shape(shapes.inputs[0]);
    return saturating_product({s.out_pixels(), s.filters, s.group_channels(), s.taps()});
  }
  Window window() const override {
    return {.extent = {(options_.kernel.height - 1) * options_.dilation.height + 1,
                       (options_.kernel.width - 1) * options_.dilation.width + 1},
            .stride = {options_.stride.height, options_.stride.width}};
  }
  BackwardReads backward_reads() const override { return {.inputs = true}; }
  bool fuses(const Tail&, bool training) const override { return !training; }

  template <class T>
  void forward(const Signature& shapes, const Step<T>& step) const {
    ref::conv_forward<T>(conv_shape(shapes.inputs[0]), step.inputs[0], step.parameters[0],
                         options_.bias ? step.parameters[1] : nullptr, step.output);
  }
  template <class T>
  void backward(const Signature& shapes, const Step<T>& step) const {
    ref::conv_backward<T>(conv_shape(shapes.inputs[0]), step.inputs[0], step.parameters[0], step.output_gradient,
                          step.input_gradients[0], step.parameter_gradients[0],
                          options_.bias ? step.parameter_gradients[1] : nullptr);
  }

  std::unique_ptr<Kernel> prepare(const Signature& shapes, const PrepareOptions& options) const override {
    const ConvShape s = conv_shape(shapes.inputs[0]);
    const bool input_gradient = !options.input_gradients.empty() && options.input_gradients[0];
    const bool parameter_gradients = options.parameter_gradients;
    FoldedParameters parameters(options.tail, options_.bias, s.filters);
    if (s.is_depthwise()) {
      return std::make_unique<DepthwiseKernel>(s, std::move(parameters), input_gradient, parameter_gradients);
    }
    if (cpu::DirectConv::suits(s) && !(options.tail && options.tail->residual)) {
      return std::make_unique<DirectConvKernel>(s, std::move(parameters), input_gradient, parameter_gradients);
    }
    if (cpu::Winograd::suits(s)) {
      return std::make_unique<WinogradKernel>(s, std::move(parameters), input_gradient, parameter_gradients);
    }
    return std::make_unique<ConvKernel>(s, std::move(parameters), input_gradient, parameter_gradients);
  }

 private:
  void check_options() const {
    constexpr int64_t most = int64_t{1} << 24;
    require(options_.filters > 0 && options_.filters <= most, "filters must be between 1 and {}, got {}", most,
            options_.filters);
    require(options_.groups > 0 && options_.filters % options_.groups == 0, "{} filters cannot be split into {} groups",
            options_.filters, options_.groups);
    require_extents("kernel", options_.kernel, 1);
    require_extents("stride", options_.stride, 1);
    require_extents("dilation", options_.dilation, 1);
    require_padding(options_.padding);
  }

  ConvShape conv_shape(const Shape& x) const {
    const auto& [filters, kernel, stride, padding, dilation, groups, bias] = options_;
    const SlidingAxis rows =
        slide(x[1], window().extent[0], stride.height, padding.top, padding.bottom, padding.is_same);
    const SlidingAxis columns =
        slide(x[2], window().extent[1], stride.width, padding.left, padding.right, padding.is_same);
    return {.batch = x[0],
            .height = x[1],
            .width = x[2],
            .channels = x[3],
            .filters = filters,
            .kernel_height = kernel.height,
            .kernel_width = kernel.width,
            .stride_height = stride.height,
            .stride_width = stride.width,
            .dilation_height = dilation.height,
            .dilation_width = dilation.width,
            .top = rows.before,
            .bottom = rows.after,
            .left = columns.before,
            .right = columns.after,
            .groups = groups,
            .out_height = rows.output,
            .out_width = columns.output};
  }

  ConvOptions options_;
};

}  // namespace

std::shared_ptr<const Op> make_conv(AttributeReader& attributes) {
  return std::make_shared<ConvOp>(ConvOptions{.filters = attributes.integer("filters"),
                                              .kernel = read_pair(attributes, "kernel"),
                                              .stride = read_pair(attributes, "stride"),
                                              .padding = read_padding(attributes),
                                              .dilation = read_pair(attributes, "dilation"),
                                              .groups = attributes.integer("groups"),
                                              .bias = attributes.boolean("bias")});
}

Value conv(const Scope& scope, Value x, const ConvOptions& options) {
  return scope.graph().add(scope.path(), std::make_shared<ConvOp>(options), {x});
}

}  // namespace fovea
