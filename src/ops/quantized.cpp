// Between real numbers and whole ones from 0 to 255.
#include "kernels/ref/quantized.h"

#include "fovea/quantized_ops.h"
#include "kernels/cpu/bytes.h"
#include "ops/byte_op.h"
#include "ops/op_base.h"
#include "ops/quantization_attributes.h"
#include "ops/quantized_ops.h"
#include "ops/tail.h"

namespace fovea {

namespace {

const uint8_t* bytes(const float* memory) { return reinterpret_cast<const uint8_t*>(memory); }

// A pass over memory without gradients: run(step).
template <class Run>
class PassKernel final : public Kernel {
 public:
  explicit PassKernel(Run run) : run_(run) {}

  void forward(const Step<float>& step) override { run_(step); }
  void backward(const Step<float>&) override {}

 private:
  Run run_;
};

template <class Run>
std::unique_ptr<Kernel> pass(Run run) {
  return std::make_unique<PassKernel<Run>>(run);
}

// What the three have in common. Derived has `static constexpr const char* name`, `size_t inputs_count`.
template <class Derived>
class QuantizingOp : public OpBase<Derived>, public ByteOp {
 public:
  explicit QuantizingOp(const Quantization& quantization) : q_(quantization) {}

  std::string_view type() const override { return Derived::name; }
  Attributes attributes() const override {
    Attributes attributes;
    write_quantization(attributes, q_);
    return attributes;
  }
  Shape infer(std::span<const Shape> inputs) const override {
    require_inputs(inputs, Derived::inputs);
    require(inputs.front() == inputs.back(), "shapes must be equal, got {} and {}", to_string(inputs.front()),
            to_string(inputs.back()));
    check_quantization(q_);
    return inputs[0];
  }
  BackwardReads backward_reads() const override { return {}; }
  bool differentiable(size_t) const override { return false; }
  template <class T>
  void backward(const Signature&, const Step<T>&) const {}
  std::unique_ptr<Kernel> prepare(const Signature& shapes, const PrepareOptions& options) const override {
    return prepare_bytes_for_floats(*this, shapes, options);
  }

 protected:
  Quantization q_;
};

class QuantizeOp final : public QuantizingOp<QuantizeOp> {
 public:
  static constexpr const char* name = "quantize";
  static constexpr size_t inputs = 1;
  using QuantizingOp::QuantizingOp;

  bool join(const Signature&, Tail& tail) const override {
    if (tail.output) return false;
    tail.output = q_;
    return true;
  }
  bool byte_input(size_t) const override { return false; }
  bool byte_output() const override { return true; }
  template <class T>
  void forward(const Signature& shapes, const Step<T>& step) const {
    ref::quantize(q_, shapes.output.elements(), step.inputs[0], step.output);
  }
  std::unique_ptr<Kernel> prepare_bytes(const Signature& shapes, const PrepareOptions&) const override {
    return pass([q = q_, count = shapes.output.elements()](const Step<float>& step) {
      cpu::quantize(q, count, step.inputs[0], reinterpret_cast<uint8_t*>(step.output));
    });
  }
};

class DequantizeOp final : public QuantizingOp<DequantizeOp> {
 public:
  static constexpr const char* name = "dequantize";
  static constexpr size_t inputs = 1;
  using QuantizingOp::QuantizingOp;

  bool byte_input(size_t) const override { return true; }
  bool byte_output() const override { return false; }
  template <class T>
  void forward(const Signature& shapes, const Step<T>& step) const {
    ref::dequantize(q_, shapes.output.elements(), step.inputs[0], step.output);
  }
  std::unique_ptr<Kernel> prepare_bytes(const Signature& shapes, const PrepareOptions&) const override {
    return pass([q = q_, count = shapes.output.elements()](const Step<float>& step) {
      cpu::dequantize(q, count, bytes(step.inputs[0]), step.output);
    });
  }
};

class AddDequantizedOp final : public QuantizingOp<AddDequantizedOp> {
 public:
  static constexpr const char* name = "add_dequantized";
  static constexpr size_t inputs = 2;
  using QuantizingOp::QuantizingOp;

  bool join(const Signature&, Tail& tail) const override {
    if (tail.ends() || tail.residual) return false;
    tail.residual_bytes = q_;
    return tail.residual = true;
  }
  bool byte_input(size_t input) const override { return input == 1; }
  bool byte_output() const override { return false; }
  template <class T>
  void forward(const Signature& shapes, const Step<T>& step) const {
    ref::add_dequantized(q_, shapes.output.elements(), step.inputs[0], step.inputs[1], step.output);
  }
  std::unique_ptr<Kernel> prepare_bytes(const Signature& shapes, const PrepareOptions&) const override {
    return pass([q = q_, count = shapes.output.elements()](const Step<float>& step) {
      cpu::add_dequantized(q, count, step.inputs[0], bytes(step.inputs[1]), step.output);
    });
  }
};

}  // namespace

std::shared_ptr<const Op> make_quantize(AttributeReader& attributes) {
  return std::make_shared<QuantizeOp>(read_quantization(attributes));
}
std::shared_ptr<const Op> make_dequantize(AttributeReader& attributes) {
  return std::make_shared<DequantizeOp>(read_quantization(attributes));
}
std::shared_ptr<const Op> make_add_dequantized(AttributeReader& attributes) {
  return std::make_shared<AddDequantizedOp>(read_quantization(attributes));
}

Value quantize(Value x, const Quantization& to) { return x.graph().add("", std::make_shared<QuantizeOp>(to), {x}); }
Value dequantize(Value x, const Quantization& from) {
  return x.graph().add("", std::make_shared<DequantizeOp>(from), {x});
}
Value add_dequantized(Value a, Value b, const Quantization& from) {
  return a.graph().add("", std::make_shared<AddDequantizedOp>(from), {a, b});
}

}  // namespace fovea
