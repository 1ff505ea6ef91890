// Joins values along the last axis.
#include "kernels/cpu/concatenate.h"

#include <cstring>
#include <vector>

#include "fovea/ops.h"
#include "kernels/ref/concatenate.h"
#include "ops/byte_op.h"
#include "ops/checks.h"
#include "ops/op_base.h"
#include "ops/table.h"

namespace fovea {

namespace {

std::vector<int64_t> widths(std::span<const Shape> inputs) {
  std::vector<int64_t> widths;
  for (const Shape& input : inputs) widths.push_back(input.back());
  return widths;
}

int64_t rows(const Shape& output) { return output.elements() / output.back(); }

class ConcatenateKernel final : public Kernel {
 public:
  ConcatenateKernel(const Signature& shapes, int64_t output_stride)
      : rows_(rows(shapes.output)),
        widths_(widths(shapes.inputs)),
        output_stride_(output_stride > 0 ? output_stride : shapes.output.back()) {}

  void forward(const Step<float>& step) override {
    cpu::concatenate(rows_, widths_, step.inputs, step.output, output_stride_);
  }
  void backward(const Step<float>& step) override {
    cpu::split(rows_, widths_, step.output_gradient, step.input_gradients);
  }

 private:
  int64_t rows_;
  std::vector<int64_t> widths_;
  int64_t output_stride_;
};

class ConcatenateBytesKernel final : public Kernel {
 public:
  ConcatenateBytesKernel(const Signature& shapes, int64_t output_stride)
      : rows_(rows(shapes.output)),
        widths_(widths(shapes.inputs)),
        output_stride_(output_stride > 0 ? output_stride : shapes.output.back()) {}

  void forward(const Step<float>& step) override {
    auto* to = reinterpret_cast<uint8_t*>(step.output);
    for (size_t k = 0; k < widths_.size(); ++k) {
      const auto* const from = reinterpret_cast<const uint8_t*>(step.inputs[k]);
      // What is there already was computed in place.
      for (int64_t row = 0; row < rows_ && from != to; ++row) {
        std::memcpy(to + row * output_stride_, from + row * widths_[k], static_cast<size_t>(widths_[k]));
      }
      to += widths_[k];
    }
  }
  void backward(const Step<float>&) override {}

 private:
  int64_t rows_;
  std::vector<int64_t> widths_;
  int64_t output_stride_;
};

class ConcatenateOp final : public OpBase<ConcatenateOp>, public ByteOp {
 public:
  std::string_view type() const override { return "concatenate"; }
  Shape infer(std::span<const Shape> inputs) const override {
    require(!inputs.empty(), "takes at least one input, got none");
    const Shape& first = inputs[0];
    require(first.rank() >= 2, "expects batches of samples (rank 2 or more), got {} (rank {})", to_string(first),
            first.rank());
    int64_t width = 0;
    for (const Shape& input : inputs) {
      require(input.rank() == first.rank() && input.with_dim(input.rank() - 1, first.back()) == first,
              "all extents but the last must agree, got {} and {}", to_string(first), to_string(input));
      width += input.back();
    }
    return first.with_dim(first.rank() - 1, width);
  }
  BackwardReads backward_reads() const override { return {}; }
  bool writes_slices(const Signature&) const override { return true; }
  bool joins_channels() const override { return true; }

  template <class T>
  void forward(const Signature& shapes, const Step<T>& step) const {
    ref::concatenate<T>(rows(shapes.output), widths(shapes.inputs), step.inputs, step.output);
  }
  template <class T>
  void backward(const Signature& shapes, const Step<T>& step) const {
    ref::split<T>(rows(shapes.output), widths(shapes.inputs), step.output_gradient, step.input_gradients);
  }
  std::unique_ptr<Kernel> prepare(const Signature& shapes, const PrepareOptions& options) const override {
    return std::make_unique<ConcatenateKernel>(shapes, options.output_stride);
  }

  bool byte_input(size_t) const override { return true; }
  bool byte_output() const override { return true; }
  bool moves_bytes() const override { return true; }
  std::unique_ptr<Kernel> prepare_bytes(const Signature& shapes, const PrepareOptions& options) const override {
    return std::make_unique<ConcatenateBytesKernel>(shapes, options.output_stride);
  }
};

}  // namespace

std::shared_ptr<const Op> make_concatenate(AttributeReader&) { return std::make_shared<ConcatenateOp>(); }

Value concatenate(const std::vector<Value>& values) {
  if (values.empty()) throw Error(ErrorKind::usage, "concatenate takes at least one value, got none");
  return values[0].graph().add("", std::make_shared<ConcatenateOp>(), values);
}

}  // namespace fovea
