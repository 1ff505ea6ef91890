#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "kernels/conv_shape.h"
#include "kernels/cpu/epilogue.h"
#include "kernels/cpu/padding.h"
#include "kernels/cpu/window_gemm.h"

// Convolution of volumes, and of pictures and sequences as such of one plane or row, as implicit matrix multiplication.
// In a channels-last picture a window's row is one run of kernel_width * channels consecutive floats, so window_gemm.h
// reads windows in place. Padding is made real first, by a copy into scratch, so that every window is inside.
namespace fovea::cpu {

// What is around a convolution's input, and its windows in the padded input. Offsets count elements.
Padding padding_of(const ConvShape& shape);
WindowShape windows_of(const ConvShape& shape);

// Gradient of the input. Pixels whose plane, row and column leave the same remainders when divided by the strides see
// the same taps of the kernel, at a fixed distance from each other: each such phase is a convolution of stride 1 over
// dy. A phase without taps gets zeros.
class ConvInputGradient {
 public:
  // One axis of a phase. Input i = first + stride u sees output o through tap a when o stride + a dilation = i +
  // before, which is o = u + (first + before - a dilation) / stride, for the taps that make this whole.
  struct PhaseAxis {
    struct Tap {
      int64_t tap;
      int64_t shift;  // o - u
    };
    int64_t first = 0, step = 1, count = 0;  // of inputs
    std::vector<Tap> taps;                   // by ascending shift
  };

  explicit ConvInputGradient(const ConvShape& shape);

  void load(const float* weight);

  size_t scratch() const { return padding_.elements(); }
  void run(const float* dy, const Epilogue& epilogue, float* dx, float* scratch) const;

 private:
  struct Phase {
    WindowGemm gemm;
    std::vector<int64_t> taps;  // of the kernel
  };

  void add_phase(const PhaseAxis& plane, const PhaseAxis& row, const PhaseAxis& column);

  ConvShape shape_;
  Padding padding_;  // of dy
  std::vector<Phase> phases_;
};

class Conv {
 public:
  Conv(const ConvShape& shape, bool input_gradient, bool weight_gradient);

  // Packs weight, in PyTorch's order.
  void load(const float* weight);
  bool packs() const { return true; }
  const char* name() const {
    return forward_.shares_vectors() ? "implicit gemm: several groups a vector" : "implicit gemm";
  }

  size_t scratch() const;  // floats, for each of the following
  void forward(const float* x, const Epilogue& epilogue, float* y, float* scratch) const;
  // The transposed convolution, which is the input's gradient, and the epilogue.
  void transposed(const float* dy, const Epilogue& epilogue, float* dx, float* scratch) const {
    input_gradient_->run(dy, epilogue, dx, scratch);
  }
  void input_gradient(const float* dy, float* dx, float* scratch) const { transposed(dy, {}, dx, scratch); }
  // dbias may be null.
  void weight_gradient(const float* x, const float* dy, float* dweight, float* dbias, float* scratch) const;

 private:
  ConvShape shape_;
  bool weight_gradient_;
  Padding padding_;
  WindowGemm forward_;
  std::optional<ConvInputGradient> input_gradient_;
  int64_t window_size_ = 0;           // elements
  std::vector<int64_t> tap_order_;    // 0, 1, 2 ...
  std::vector<int64_t> run_offsets_;  // of a window: see Runs in gemm.h
  int64_t run_length_ = 0;
  int64_t partitions_ = 1;  // of the pixels, for weight gradients
};

}  // namespace fovea::cpu
