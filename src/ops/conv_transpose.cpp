// Transposed convolution: the gradient of a convolution as an operation of its own, by the same kernels.
#include <algorithm>

#include "core/saturate.h"
#include "fovea/ops.h"
#include "kernels/cpu/column_sums.h"
#include "kernels/ref/conv.h"
#include "ops/checks.h"
#include "ops/conv_algorithm.h"
#include "ops/conv_geometry.h"
#include "ops/folded.h"
#include "ops/op_base.h"
#include "ops/table.h"

namespace fovea {

namespace {

// Of the convolution whose gradient this is: its x is our y, its filters are our channels.
template <class Algorithm>
class TransposedKernel final : public Kernel {
 public:
  TransposedKernel(const ConvShape& shape, bool bias, const PrepareOptions& options)
      : shape_(shape),
        parameters_(options.tail, bias, shape.channels, 0),
        algorithm_(shape, true, options.parameter_gradients),
        bias_gradient_(bias && options.parameter_gradients) {}

  std::string algorithm() const override { return algorithm_.name(); }
  size_t scratch_size() const override {
    const int64_t sums = bias_gradient_ ? cpu::column_sums_scratch(shape_.pixels(), shape_.channels) : 0;
    return std::max(algorithm_.scratch(), static_cast<size_t>(sums));
  }
  void load(std::span<const float* const> parameters, Tensor& spare) override {
    algorithm_.load(parameters_.load(parameters, spare));
  }
  bool copies_weight() const override { return algorithm_.packs(); }
  void forward(const Step<float>& step) override {
    algorithm_.transposed(step.inputs[0], parameters_.epilogue(step), step.output, step.scratch);
  }
  void backward(const Step<float>& step) override {
    if (float* const dweight = step.parameter_gradients[0]) {
      algorithm_.weight_gradient(step.output_gradient, step.inputs[0], dweight, nullptr, step.scratch);
    }
    if (float* const dbias = step.parameter_gradients.size() > 1 ? step.parameter_gradients[1] : nullptr) {
      cpu::column_sums(shape_.pixels(), shape_.channels, step.output_gradient, dbias, step.scratch);
    }
    if (float* const dx = step.input_gradients[0]) {
      algorithm_.forward(step.output_gradient, {}, dx, step.scratch);
    }
  }

 private:
  ConvShape shape_;
  FoldedParameters parameters_;
  Algorithm algorithm_;
  bool bias_gradient_;
};

class ConvTransposeOp final : public OpBase<ConvTransposeOp> {
 public:
  ConvTransposeOp(const ConvTransposeOptions& options, int axes) : options_(options), axes_(axes) {}

  std::string_view type() const override { return "conv_transpose"; }
  Attributes attributes() const override {
    Attributes attributes = {{"filters", options_.filters},
                             {"kernel", options_.kernel.list(axes_)},
                             {"stride", options_.stride.list(axes_)},
                             {"output_padding", options_.output_padding.list(axes_)},
                             {"dilation", options_.dilation.list(axes_)},
                             {"groups", options_.groups},
                             {"bias", options_.bias}};
    write_padding(attributes, options_.padding, axes_);
    return attributes;
  }

  Shape infer(std::span<const Shape> inputs) const override {
    require_inputs(inputs, 1);
    const Shape& x = inputs[0];
    require_positions(x, axes_);
    check_options();
    require(x.back() % options_.groups == 0, "{} input channels cannot be split into {} groups", x.back(),
            options_.groups);
    std::vector<int64_t> dims = {x[0]};
    for (int axis = 0; axis < axes_; ++axis) {
      dims.push_back(output_extent(x, axis));
      require(dims.back() > 0, "padding ({} before, {} after) leaves nothing of the output", padding().before[axis],
              padding().after[axis]);
    }
    dims.push_back(options_.filters);
    return Shape(dims);
  }

  std::vector<ParameterSpec> parameters(std::span<const Shape> inputs) const override {
    const ConvShape s = gradient_of(inputs[0]);
    std::vector<int64_t> dims = {s.filters, s.group_channels()};
    for (const int64_t extent : options_.kernel.list(axes_)) dims.push_back(extent);
    const int64_t strides = s.stride_depth * s.stride_height * s.stride_width;
    std::vector<ParameterSpec> specs = {{"weight", Shape(dims), Fill::weight, true,
                                         std::max<int64_t>(1, s.group_filters() * s.taps() / strides),
                                         s.group_channels() * s.taps()}};
    if (options_.bias) specs.push_back({"bias", {s.channels}, Fill::zeros});
    return specs;
  }

  int64_t multiply_adds(const Signature& shapes) const override {
    const ConvShape s = gradient_of(shapes.inputs[0]);
    return saturating_product({s.out_pixels(), s.filters, s.group_channels(), s.taps()});
  }
  Window window() const override {
    Window window = {.extent = {},
                     .stride = std::vector<int64_t>(static_cast<size_t>(axes_), 1),
                     .upsampling = options_.stride.list(axes_)};
    for (int axis = 0; axis < axes_; ++axis) {
      window.extent.push_back((options_.kernel[axis] - 1) * options_.dilation[axis] / options_.stride[axis] + 1);
    }
    return window;
  }
  BackwardReads backward_reads() const override { return {.inputs = true}; }
  bool fuses(const Tail& tail, bool training) const override { return !training && !tail.folds() && tail.is_real(); }

  template <class T>
  void forward(const Signature& shapes, const Step<T>& step) const {
    ref::conv_transpose_forward<T>(gradient_of(shapes.inputs[0]), step.inputs[0], step.parameters[0],
                                   options_.bias ? step.parameters[1] : nullptr, step.output);
  }
  template <class T>
  void backward(const Signature& shapes, const Step<T>& step) const {
    ref::conv_transpose_backward<T>(gradient_of(shapes.inputs[0]), step.inputs[0], step.parameters[0],
                                    step.output_gradient, step.input_gradients[0], step.parameter_gradients[0],
                                    options_.bias ? step.parameter_gradients[1] : nullptr);
  }

  std::unique_ptr<Kernel> prepare(const Signature& shapes, const PrepareOptions& options) const override {
    const ConvShape s = flattened(gradient_of(shapes.inputs[0]));
    return with_conv_algorithm(s, false, [&]<class Algorithm>() -> std::unique_ptr<Kernel> {
      return std::make_unique<TransposedKernel<Algorithm>>(s, options_.bias, options);
    });
  }

 private:
  const Padding& padding() const { return options_.padding; }

  void check_options() const {
    require_windows(options_, axes_);
    require_extents("output_padding", options_.output_padding, axes_, 0);
    require(!padding().is_same, "padding of a transposed convolution must be numbers, got 'same'");
    require_padding(padding(), axes_);
    for (int axis = 0; axis < axes_; ++axis) {
      const int64_t most_extra = std::max(options_.stride[axis], options_.dilation[axis]) - 1;
      require(options_.output_padding[axis] <= most_extra,
              "output_padding must be less than the stride or the dilation, at most {}, got {}", most_extra,
              options_.output_padding[axis]);
    }
  }

  int64_t output_extent(const Shape& x, int axis) const {
    const int64_t spread = saturating_product({x[axis + 1] - 1, options_.stride[axis]});
    const int64_t extent = (options_.kernel[axis] - 1) * options_.dilation[axis] + 1 + options_.output_padding[axis];
    return saturating_add(spread, extent) - padding().before[axis] - padding().after[axis];
  }

  // The convolution from our output to our input.
  ConvShape gradient_of(const Shape& x) const {
    SlidingAxes axes{};
    for (int axis = 0; axis < axes_; ++axis) {
      axis_of(axes, axes_, axis) = {.input = output_extent(x, axis),
                                    .kernel = options_.kernel[axis],
                                    .stride = options_.stride[axis],
                                    .dilation = options_.dilation[axis],
                                    .before = padding().before[axis],
                                    .after = padding().after[axis],
                                    .output = x[axis + 1]};
    }
    ConvShape s = make_conv_shape(x, axes, x.back(), options_.groups);
    s.channels = options_.filters;
    return s;
  }

  ConvTransposeOptions options_;
  int axes_;
};

}  // namespace

std::shared_ptr<const Op> make_conv_transpose(AttributeReader& attributes) {
  const ConvTransposeOptions options{.filters = attributes.integer("filters"),
                                     .kernel = read_extents(attributes, "kernel"),
                                     .stride = read_extents(attributes, "stride"),
                                     .padding = read_padding(attributes),
                                     .output_padding = read_extents(attributes, "output_padding"),
                                     .dilation = read_extents(attributes, "dilation"),
                                     .groups = attributes.integer("groups"),
                                     .bias = attributes.boolean("bias")};
  return std::make_shared<ConvTransposeOp>(options, options.kernel.count());
}

Value conv_transpose(const Scope& scope, Value x, const ConvTransposeOptions& options) {
  return scope.graph().add(scope.path(), std::make_shared<ConvTransposeOp>(options, spatial_axes(x.shape())), {x});
}

}  // namespace fovea
