#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/conv_shape.h"
#include "kernels/cpu/byte_epilogue.h"
#include "kernels/cpu/byte_weights.h"
#include "kernels/cpu/padding.h"
#include "kernels/cpu/panels.h"
#include "kernels/cpu/window_gemm.h"

// Convolution of bytes as implicit matrix multiplication, as conv.h has it of floats; a dense layer is one of single
// pixels. Of x up to byte_slack bytes behind the last are read.
namespace fovea::cpu {

class ByteConv {
 public:
  ByteConv(const ConvShape& shape, const Quantization& from);

  void load(const ByteWeights& from);
  const char* name() const { return "implicit gemm of bytes"; }

  size_t scratch() const;  // floats
  // residual (null: none) and y are bytes or floats, as the epilogue says.
  void forward(const uint8_t* x, const ByteEpilogue& epilogue, const void* residual, void* y, float* scratch) const;

 private:
  void run_block(int64_t first, int64_t count, int64_t first_panel, int64_t last_panel, const uint8_t* in,
                 const ByteEpilogue& epilogue, const uint8_t* residual, uint8_t* out) const;

  ConvShape shape_;
  Quantization from_;
  Padding padding_;
  WindowShape windows_;
  std::vector<int64_t> run_offsets_;  // see Runs in gemm.h
  int64_t run_length_ = 0;
  Panels panels_;                // of a group
  std::vector<int8_t> weights_;  // packed, all groups
  std::vector<int32_t> start_;   // padded, all groups
  std::vector<float> scale_;     // padded, all groups
};

}  // namespace fovea::cpu
