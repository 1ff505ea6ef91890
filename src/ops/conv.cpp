#include "kernels/cpu/conv.h"

#include "core/saturate.h"
#include "fovea/ops.h"
#include "kernels/cpu/depthwise.h"
#include "kernels/cpu/direct_conv.h"
#include "kernels/cpu/winograd.h"
#include "kernels/ref/conv.h"
#include "ops/checks.h"
#include "ops/op_base.h"
#include "ops/spatial.h"
#include "ops/table.h"
#include "ops/weighted_kernel.h"

namespace fovea {

namespace {

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
  bool writes_slices(const Signature& shapes) const override {
    const ConvShape s = conv_shape(shapes.inputs[0]);
    return !s.is_depthwise() && !cpu::DirectConv::suits(s);
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
    ConvShape s = conv_shape(shapes.inputs[0]);
    s.out_stride = options.output_stride;
    if (s.is_depthwise()) return kernel<cpu::Depthwise>(s, options);
    if (cpu::DirectConv::suits(s) && !(options.tail && options.tail->residual)) {
      return kernel<cpu::DirectConv>(s, options);
    }
    if (cpu::Winograd::suits(s)) return kernel<cpu::Winograd>(s, options);
    return kernel<cpu::Conv>(s, options);
  }

 private:
  template <class Algorithm>
  std::unique_ptr<Kernel> kernel(const ConvShape& s, const PrepareOptions& options) const {
    return std::make_unique<WeightedKernel<Algorithm>>(
        s, FoldedParameters(options.tail, options_.bias, s.filters, s.group_channels() * s.taps()), options);
  }

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
