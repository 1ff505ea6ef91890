#include "ops/byte_op.h"

#include <utility>

#include "kernels/cpu/byte_weights.h"
#include "kernels/cpu/bytes.h"

namespace fovea {

namespace {

// Scratch holds the kernel's own, then each converted value.
class ConvertingKernel final : public Kernel {
 public:
  ConvertingKernel(std::unique_ptr<Kernel> kernel, const ByteOp& op, const Storage& storage, const Signature& shapes,
                   int64_t output_stride)
      : kernel_(std::move(kernel)), channels_(shapes.output.back()), output_stride_(output_stride) {
    size_t place = kernel_->scratch_size();
    const auto room = [&](bool converted, const Shape& shape) {
      const size_t at = converted ? place : 0;
      if (converted) place += cpu::floats_for_bytes(shape.elements());
      values_.push_back({converted, at, shape.elements()});
    };
    for (size_t k = 0; k < shapes.inputs.size(); ++k) room(op.byte_input(k) && !storage.inputs[k], shapes.inputs[k]);
    room(op.byte_output() && !storage.output, shapes.output);
    scratch_size_ = place;
  }

  std::string algorithm() const override { return kernel_->algorithm(); }
  size_t scratch_size() const override { return scratch_size_; }
  void load(std::span<const float* const> parameters, Tensor& spare) override { kernel_->load(parameters, spare); }
  bool copies_weight() const override { return kernel_->copies_weight(); }
  void forward(const Step<float>& step) override {
    Step<float> inner = step;
    std::vector<const float*> inputs(step.inputs.begin(), step.inputs.end());
    for (size_t k = 0; k < inputs.size(); ++k) {
      if (!values_[k].converted) continue;
      float* const bytes = step.scratch + values_[k].place;
      cpu::pack_bytes(values_[k].elements, inputs[k], reinterpret_cast<uint8_t*>(bytes));
      inputs[k] = bytes;
    }
    inner.inputs = inputs;
    const Value& output = values_.back();
    if (output.converted) inner.output = step.scratch + output.place;
    kernel_->forward(inner);
    if (output.converted) unpack(output.elements, reinterpret_cast<const uint8_t*>(inner.output), step.output);
  }
  void backward(const Step<float>& step) override { kernel_->backward(step); }

 private:
  // To a slice of a wider value, pixel by pixel.
  void unpack(int64_t elements, const uint8_t* bytes, float* output) const {
    if (output_stride_ == 0) return cpu::unpack_bytes(elements, bytes, output);
    for (int64_t pixel = 0; pixel < elements / channels_; ++pixel) {
      cpu::unpack_bytes(channels_, bytes + pixel * channels_, output + pixel * output_stride_);
    }
  }

  struct Value {
    bool converted;
    size_t place;  // in scratch
    int64_t elements;
  };

  std::unique_ptr<Kernel> kernel_;
  int64_t channels_;           // of the output
  int64_t output_stride_;      // as PrepareOptions has it
  std::vector<Value> values_;  // inputs, then the output
  size_t scratch_size_ = 0;
};

}  // namespace

const ByteOp* as_byte_op(const Op& op) {
  const auto* const byte_op = dynamic_cast<const ByteOp*>(&op);
  if (byte_op == nullptr) return nullptr;
  return byte_op->byte_output() || byte_op->byte_input(0) || byte_op->byte_input(1) ? byte_op : nullptr;
}

std::unique_ptr<Kernel> prepare_bytes_for(const ByteOp& op, const Storage& storage, const Signature& shapes,
                                          const PrepareOptions& options) {
  const bool converts_output = op.byte_output() && !storage.output;
  PrepareOptions inner = options;
  if (converts_output) inner.output_stride = 0;
  auto kernel = op.prepare_bytes(shapes, inner);
  bool fits = !converts_output;
  for (size_t k = 0; k < shapes.inputs.size(); ++k) fits = fits && (!op.byte_input(k) || storage.inputs[k]);
  if (fits) return kernel;
  return std::make_unique<ConvertingKernel>(std::move(kernel), op, storage, shapes, options.output_stride);
}

std::unique_ptr<Kernel> prepare_bytes_for_floats(const ByteOp& op, const Signature& shapes,
                                                 const PrepareOptions& options) {
  return prepare_bytes_for(op, {std::vector<bool>(shapes.inputs.size()), false}, shapes, options);
}

}  // namespace fovea
