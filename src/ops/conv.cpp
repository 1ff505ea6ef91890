// Convolution of sequences, pictures and volumes.
#include "kernels/ref/conv.h"

#include "core/saturate.h"
#include "fovea/ops.h"
#include "ops/checks.h"
#include "ops/conv_algorithm.h"
#include "ops/convolution.h"
#include "ops/op_base.h"
#include "ops/spatial.h"
#include "ops/table.h"
#include "ops/weighted_kernel.h"

namespace fovea {

namespace {

class ConvOp final : public OpBase<ConvOp>, public Convolution {
 public:
  ConvOp(const ConvOptions& options, int axes) : options_(options), axes_(axes) {}

  std::string_view type() const override { return "conv"; }
  Attributes attributes() const override {
    Attributes attributes = {{"filters", options_.filters},
                             {"kernel", options_.kernel.list(axes_)},
                             {"stride", options_.stride.list(axes_)},
                             {"dilation", options_.dilation.list(axes_)},
                             {"groups", options_.groups},
                             {"bias", options_.bias}};
    write_padding(attributes, options_.padding, axes_);
    return attributes;
  }

  Shape infer(std::span<const Shape> inputs) const override {
    require_inputs(inputs, 1);
    require_positions(inputs[0], axes_);
    check_options();
    require(inputs[0].back() % options_.groups == 0, "{} input channels cannot be split into {} groups",
            inputs[0].back(), options_.groups);
    const ConvShape s = conv_shape(inputs[0]);
    return positions_shape(s.batch, {s.out_depth, s.out_height, s.out_width}, s.filters, axes_);
  }

  std::vector<ParameterSpec> parameters(std::span<const Shape> inputs) const override {
    const ConvShape s = conv_shape(inputs[0]);
    std::vector<int64_t> dims = {s.filters, s.group_channels()};
    for (const int64_t extent : options_.kernel.list(axes_)) dims.push_back(extent);
    std::vector<ParameterSpec> specs = {
        {"weight", Shape(dims), Fill::weight, true, s.group_channels() * s.taps(), s.group_filters() * s.taps()}};
    if (options_.bias) specs.push_back({"bias", {s.filters}, Fill::zeros});
    return specs;
  }

  int64_t multiply_adds(const Signature& shapes) const override {
    const ConvShape s = conv_shape(shapes.inputs[0]);
    return saturating_product({s.out_pixels(), s.filters, s.group_channels(), s.taps()});
  }
  ConvShape conv_shape(const Shape& x) const override {
    const auto& [filters, kernel, stride, padding, dilation, groups, bias] = options_;
    return make_conv_shape(x, slide(x, kernel, stride, dilation, padding), filters, groups);
  }
  bool has_bias() const override { return options_.bias; }
  Window window() const override {
    Window window = {.extent = {}, .stride = options_.stride.list(axes_)};
    for (int axis = 0; axis < axes_; ++axis) {
      window.extent.push_back((options_.kernel[axis] - 1) * options_.dilation[axis] + 1);
    }
    return window;
  }
  BackwardReads backward_reads() const override { return {.inputs = true}; }
  bool fuses(const Tail&, bool training) const override { return !training; }
  bool writes_slices(const Signature& shapes) const override {
    const ConvShape s = flattened(conv_shape(shapes.inputs[0]));
    return !cpu::Depthwise::suits(s) && !cpu::DirectConv::suits(s);
  }

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
    ConvShape s = flattened(conv_shape(shapes.inputs[0]));
    s.out_stride = options.output_stride;
    const bool has_residual = options.tail && options.tail->residual;
    return with_conv_algorithm(s, has_residual, [&]<class Algorithm>() -> std::unique_ptr<Kernel> {
      return std::make_unique<WeightedKernel<Algorithm>>(
          s, FoldedParameters(options.tail, options_.bias, s.filters, s.group_channels() * s.taps()), options);
    });
  }

 private:
  void check_options() const {
    constexpr int64_t most = int64_t{1} << 24;
    require(options_.filters > 0 && options_.filters <= most, "filters must be between 1 and {}, got {}", most,
            options_.filters);
    require(options_.groups > 0 && options_.filters % options_.groups == 0, "{} filters cannot be split into {} groups",
            options_.filters, options_.groups);
    require_extents("kernel", options_.kernel, axes_, 1);
    require_extents("stride", options_.stride, axes_, 1);
    require_extents("dilation", options_.dilation, axes_, 1);
    require_padding(options_.padding, axes_);
  }

  ConvOptions options_;
  int axes_;
};

}  // namespace

std::shared_ptr<const Op> make_conv(AttributeReader& attributes) {
  const ConvOptions options{.filters = attributes.integer("filters"),
                            .kernel = read_extents(attributes, "kernel"),
                            .stride = read_extents(attributes, "stride"),
                            .padding = read_padding(attributes),
                            .dilation = read_extents(attributes, "dilation"),
                            .groups = attributes.integer("groups"),
                            .bias = attributes.boolean("bias")};
  return std::make_shared<ConvOp>(options, options.kernel.count());
}

Value conv(const Scope& scope, Value x, const ConvOptions& options) {
  return scope.graph().add(scope.path(), std::make_shared<ConvOp>(options, spatial_axes(x.shape())), {x});
}

Value separable_conv(const Scope& scope, Value x, const ConvOptions& options) {
  require(options.groups == 1, "node '{}': a separable convolution has one group, got {}", scope.path(),
          options.groups);
  ConvOptions depthwise = options;
  depthwise.filters = depthwise.groups = x.shape().back();
  depthwise.bias = false;  // the next convolution's does the same
  x = conv(scope / "depthwise", x, depthwise);
  return conv(scope / "pointwise", x, {.filters = options.filters, .bias = options.bias});
}

}  // namespace fovea
