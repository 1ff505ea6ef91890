// Convolution and dense layers of whole numbers from 0 to 255.
#include "core/saturate.h"
#include "fovea/quantized_ops.h"
#include "kernels/cpu/byte_conv.h"
#include "kernels/cpu/byte_depthwise.h"
#include "kernels/ref/quantized.h"
#include "ops/byte_op.h"
#include "ops/conv_algorithm.h"
#include "ops/conv_geometry.h"
#include "ops/op_base.h"
#include "ops/quantization_attributes.h"
#include "ops/quantized_ops.h"
#include "ops/spatial.h"
#include "ops/tail.h"

namespace fovea {

namespace {

constexpr int64_t most_weights = 32768;  // of a filter: sums stay within 32 bits

// Algorithm: ByteConv or ByteDepthwise.
template <class Algorithm>
class QuantizedKernel final : public Kernel {
 public:
  QuantizedKernel(const ConvShape& shape, const Quantization& from, bool bias, const Tail* tail)
      : shape_(shape), from_(from), bias_(bias), algorithm_(shape, from) {
    if (tail == nullptr) return;
    epilogue_ = {.has_residual = tail->residual,
                 .residual = tail->residual_bytes,
                 .activation = tail->activation,
                 .alpha = tail->alpha,
                 .output = tail->output};
  }

  std::string algorithm() const override { return algorithm_.name(); }
  size_t scratch_size() const override { return algorithm_.scratch(); }
  void load(std::span<const float* const> parameters, Tensor& /*spare*/) override {
    algorithm_.load({from_, shape_.filters, shape_.group_channels() * shape_.taps(), parameters[0], parameters[1],
                     bias_ ? parameters[2] : nullptr});
  }
  bool copies_weight() const override { return true; }
  void forward(const Step<float>& step) override {
    algorithm_.forward(reinterpret_cast<const uint8_t*>(step.inputs[0]), epilogue_,
                       epilogue_.has_residual ? step.inputs.back() : nullptr, step.output, step.scratch);
  }
  void backward(const Step<float>&) override {}

 private:
  ConvShape shape_;
  Quantization from_;
  bool bias_;
  Algorithm algorithm_;
  cpu::ByteEpilogue epilogue_;
};

// A layer with weights. Derived says as what convolution it is computed: ConvShape conv_shape(const Shape& x) const.
template <class Derived>
class QuantizedLayer : public OpBase<Derived>, public ByteOp {
 public:
  QuantizedLayer(const Quantization& from, bool bias) : from_(from), bias_(bias) {}

  int64_t multiply_adds(const Signature& shapes) const override {
    const ConvShape s = shape(shapes.inputs[0]);
    return saturating_product({s.out_pixels(), s.filters, s.group_channels(), s.taps()});
  }
  BackwardReads backward_reads() const override { return {}; }
  bool differentiable(size_t) const override { return false; }
  bool writes_slices(const Signature&) const override { return true; }
  template <class T>
  void forward(const Signature& shapes, const Step<T>& step) const {
    ref::quantized_conv<T>(shape(shapes.inputs[0]), from_, step.inputs[0], step.parameters[0], step.parameters[1],
                           bias_ ? step.parameters[2] : nullptr, step.output);
  }
  template <class T>
  void backward(const Signature&, const Step<T>&) const {}

  bool byte_input(size_t input) const override { return input == 0; }
  bool byte_output() const override { return false; }
  std::unique_ptr<Kernel> prepare_bytes(const Signature& shapes, const PrepareOptions& options) const override {
    ConvShape s = flattened(shape(shapes.inputs[0]));
    s.out_stride = options.output_stride;
    const bool has_residual = options.tail && options.tail->residual;
    if (cpu::ByteDepthwise::suits(s) && !has_residual) {
      return std::make_unique<QuantizedKernel<cpu::ByteDepthwise>>(s, from_, bias_, options.tail);
    }
    return std::make_unique<QuantizedKernel<cpu::ByteConv>>(s, from_, bias_, options.tail);
  }
  std::unique_ptr<Kernel> prepare(const Signature& shapes, const PrepareOptions& options) const override {
    return prepare_bytes_for_floats(*this, shapes, options);
  }
  bool fuses(const Tail& tail, bool training) const override { return !training && !tail.folds(); }

 protected:
  std::vector<ParameterSpec> specs(const Shape& x, const Shape& weight) const {
    const ConvShape s = shape(x);
    std::vector<ParameterSpec> specs = {
        {"weight", weight, Fill::weight, false, s.group_channels() * s.taps(), s.group_filters() * s.taps()},
        {"weight_scale", {s.filters}, Fill::ones, false}};
    if (bias_) specs.push_back({"bias", {s.filters}, Fill::zeros, false});
    return specs;
  }
  void check(const Shape& x) const {
    check_quantization(from_);
    const ConvShape s = shape(x);
    require(s.group_channels() * s.taps() <= most_weights, "a filter has {} weights, at most {} can be quantised",
            s.group_channels() * s.taps(), most_weights);
  }
  bool bias() const { return bias_; }
  void write(Attributes& attributes) const { write_quantization(attributes, from_); }

 private:
  ConvShape shape(const Shape& x) const { return static_cast<const Derived&>(*this).conv_shape(x); }

  Quantization from_;
  bool bias_;
};

class QuantizedConvOp final : public QuantizedLayer<QuantizedConvOp> {
 public:
  QuantizedConvOp(const Quantization& from, const ConvGeometry& geometry)
      : QuantizedLayer(from, geometry.options.bias), geometry_(geometry) {}

  std::string_view type() const override { return "quantized_conv"; }
  Attributes attributes() const override {
    Attributes attributes = geometry_.attributes();
    write(attributes);
    return attributes;
  }
  Shape infer(std::span<const Shape> inputs) const override {
    Shape output = geometry_.infer(inputs);
    check(inputs[0]);
    return output;
  }
  std::vector<ParameterSpec> parameters(std::span<const Shape> inputs) const override {
    return specs(inputs[0], geometry_.weight_shape(inputs[0]));
  }
  Window window() const override { return geometry_.window(); }
  ConvShape conv_shape(const Shape& x) const { return geometry_.shape(x); }

 private:
  ConvGeometry geometry_;
};

// A convolution of single pixels.
class QuantizedDenseOp final : public QuantizedLayer<QuantizedDenseOp> {
 public:
  QuantizedDenseOp(const Quantization& from, int64_t units, bool bias) : QuantizedLayer(from, bias), units_(units) {}

  std::string_view type() const override { return "quantized_dense"; }
  Attributes attributes() const override {
    Attributes attributes = {{"units", units_}, {"bias", bias()}};
    write(attributes);
    return attributes;
  }
  Shape infer(std::span<const Shape> inputs) const override {
    require_inputs(inputs, 1);
    require(inputs[0].rank() >= 2, "expects {{N, ..., C}}, got {} (rank {})", to_string(inputs[0]), inputs[0].rank());
    constexpr int64_t most = int64_t{1} << 24;
    require(units_ > 0 && units_ <= most, "units must be between 1 and {}, got {}", most, units_);
    check(inputs[0]);
    return inputs[0].with_dim(inputs[0].rank() - 1, units_);
  }
  std::vector<ParameterSpec> parameters(std::span<const Shape> inputs) const override {
    return specs(inputs[0], {units_, inputs[0].back()});
  }
  Window window() const override { return {.extent = {}, .stride = {}, .whole = true}; }
  ConvShape conv_shape(const Shape& x) const {
    return {.batch = x.elements() / x.back(), .channels = x.back(), .filters = units_};
  }

 private:
  int64_t units_;
};

}  // namespace

std::shared_ptr<const Op> make_quantized_conv(AttributeReader& attributes) {
  const Quantization from = read_quantization(attributes);
  return std::make_shared<QuantizedConvOp>(from, ConvGeometry::read(attributes));
}
std::shared_ptr<const Op> make_quantized_dense(AttributeReader& attributes) {
  const Quantization from = read_quantization(attributes);
  const int64_t units = attributes.integer("units");
  return std::make_shared<QuantizedDenseOp>(from, units, attributes.boolean("bias"));
}

Value quantized_conv(const Scope& scope, Value x, const Quantization& from, const ConvOptions& options) {
  const ConvGeometry geometry{options, spatial_axes(x.shape())};
  return scope.graph().add(scope.path(), std::make_shared<QuantizedConvOp>(from, geometry), {x});
}
Value quantized_dense(const Scope& scope, Value x, const Quantization& from, int64_t units, bool bias) {
  return scope.graph().add(scope.path(), std::make_shared<QuantizedDenseOp>(from, units, bias), {x});
}

DType stored_type(const Op& op, size_t index) {
  const bool is_whole = index == 0 && (op.type() == "quantized_conv" || op.type() == "quantized_dense");
  return is_whole ? DType::i8 : DType::f32;
}

}  // namespace fovea
