#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/conv_shape.h"
#include "kernels/cpu/byte_epilogue.h"
#include "kernels/cpu/byte_weights.h"
#include "kernels/cpu/padding.h"

// Depthwise convolution of bytes. A product of bytes sums four neighbours, which are made to be rows of the window: of
// each column of the input the rows are interleaved once, and serve all windows that the column is in.
namespace fovea::cpu {

// Channels that are worked on together, `vectors` of them in the lanes of 32-bit numbers. In a block of 128 bits, as
// interleaving leaves them, vector j holds channels 4 j ... 4 j + 3 of the block's 16.
struct DepthwiseUnits {
  static constexpr int64_t vectors = 4;

  int64_t channels = 1;
  int64_t lanes = 1;  // of the widest vectors

  int64_t width() const { return vectors * lanes; }
  int64_t count() const { return (channels + width() - 1) / width(); }
  int64_t padded() const { return count() * width(); }
  // Lanes of a unit's vectors: fewer for the last one, when that is enough.
  int64_t lanes_of(int64_t unit) const {
    const int64_t left = channels - unit * width();
    int64_t fewer = lanes;
    while (fewer > 4 && vectors * (fewer / 2) >= left) fewer /= 2;
    return fewer;
  }
  // Where channel c of a unit lies in its vectors: vector * lanes + lane.
  static int64_t place(int64_t lanes, int64_t c) {
    const int64_t lanes_of_block = lanes < 4 ? lanes : 4;
    const int64_t block = c / (vectors * lanes_of_block);
    const int64_t vector = c / lanes_of_block % vectors;
    return vector * lanes + block * lanes_of_block + c % lanes_of_block;
  }
};

class ByteDepthwise {
 public:
  // Whether the layer is such a one.
  static bool suits(const ConvShape& shape);

  ByteDepthwise(const ConvShape& shape, const Quantization& from);

  void load(const ByteWeights& from);
  const char* name() const { return "depthwise of bytes: one channel a filter"; }

  size_t scratch() const;  // floats
  // y is bytes or floats, as the epilogue says; there is no residual. Of x up to byte_slack bytes behind the last are
  // read.
  void forward(const uint8_t* x, const ByteEpilogue& epilogue, const void* residual, void* y, float* scratch) const;

 private:
  ConvShape shape_;
  Quantization from_;
  Padding padding_;
  DepthwiseUnits units_;
  std::vector<int32_t> weights_;  // four rows of a tap's column each: [unit][column of taps][four rows][place]
  std::vector<int32_t> start_;    // [unit][place]
  std::vector<float> scale_;      // [unit][place]
};

}  // namespace fovea::cpu
