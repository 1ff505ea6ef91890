// Convolution of sequences, pictures and volumes.
#include "kernels/ref/conv.h"

#include "fovea/ops.h"
#include "kernels/cpu/dense.h"
#include "ops/checks.h"
#include "ops/conv_algorithm.h"
#include "ops/conv_geometry.h"
#include "ops/convolution.h"
#include "ops/op_base.h"
#include "ops/spatial.h"
#include "ops/table.h"
#include "ops/weighted_kernel.h"

namespace fovea {

namespace {

// Whether every picture is one pixel, as in squeeze-and-excitation and in heads after global pooling.
bool is_dense(const ConvShape& s) {
  return s.pixels() == s.batch && s.taps() == 1 && s.groups == 1 && !s.is_padded() && s.out_pixel() == s.filters;
}

class ConvOp final : public OpBase<ConvOp>, public Convolution {
 public:
  explicit ConvOp(const ConvGeometry& geometry) : geometry_(geometry) {}

  std::string_view type() const override { return "conv"; }
  Attributes attributes() const override { return geometry_.attributes(); }
  Shape infer(std::span<const Shape> inputs) const override { return geometry_.infer(inputs); }
  std::vector<ParameterSpec> parameters(std::span<const Shape> inputs) const override {
    const ConvShape s = geometry_.shape(inputs[0]);
    std::vector<ParameterSpec> specs = {{"weight", geometry_.weight_shape(inputs[0]), Fill::weight, true,
                                         s.group_channels() * s.taps(), s.group_filters() * s.taps()}};
    if (bias()) specs.push_back({"bias", {s.filters}, Fill::zeros});
    return specs;
  }

  int64_t multiply_adds(const Signature& shapes) const override { return geometry_.multiply_adds(shapes.inputs[0]); }
  ConvShape conv_shape(const Shape& x) const override { return geometry_.shape(x); }
  bool has_bias() const override { return bias(); }
  Window window() const override { return geometry_.window(); }
  BackwardReads backward_reads() const override { return {.inputs = true}; }
  bool fuses(const Tail& tail, bool training) const override { return !training && tail.is_real(); }
  bool writes_slices(const Signature& shapes) const override {
    const ConvShape s = flattened(geometry_.shape(shapes.inputs[0]));
    return !cpu::Depthwise::suits(s) && !cpu::DirectConv::suits(s);
  }

  template <class T>
  void forward(const Signature& shapes, const Step<T>& step) const {
    ref::conv_forward<T>(geometry_.shape(shapes.inputs[0]), step.inputs[0], step.parameters[0],
                         bias() ? step.parameters[1] : nullptr, step.output);
  }
  template <class T>
  void backward(const Signature& shapes, const Step<T>& step) const {
    ref::conv_backward<T>(geometry_.shape(shapes.inputs[0]), step.inputs[0], step.parameters[0], step.output_gradient,
                          step.input_gradients[0], step.parameter_gradients[0],
                          bias() ? step.parameter_gradients[1] : nullptr);
  }

  std::unique_ptr<Kernel> prepare(const Signature& shapes, const PrepareOptions& options) const override {
    ConvShape s = flattened(geometry_.shape(shapes.inputs[0]));
    s.out_stride = options.output_stride;
    const bool has_residual = options.tail && options.tail->residual;
    if (is_dense(s)) {
      return std::make_unique<WeightedKernel<cpu::Dense>>(
          cpu::DenseShape{.batch = s.batch, .channels = s.channels, .units = s.filters},
          FoldedParameters(options.tail, bias(), s.filters, s.channels), options);
    }
    return with_conv_algorithm(s, has_residual, [&]<class Algorithm>() -> std::unique_ptr<Kernel> {
      return std::make_unique<WeightedKernel<Algorithm>>(
          s, FoldedParameters(options.tail, bias(), s.filters, s.group_channels() * s.taps()), options);
    });
  }

 private:
  bool bias() const { return geometry_.options.bias; }

  ConvGeometry geometry_;
};

}  // namespace

std::shared_ptr<const Op> make_conv(AttributeReader& attributes) {
  return std::make_shared<ConvOp>(ConvGeometry::read(attributes));
}

Value conv(const Scope& scope, Value x, const ConvOptions& options) {
  return scope.graph().add(scope.path(), std::make_shared<ConvOp>(ConvGeometry{options, spatial_axes(x.shape())}), {x});
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
