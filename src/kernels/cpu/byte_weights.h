#pragma once

#include <cstdint>
#include <vector>

#include "fovea/quantized_ops.h"

namespace fovea::cpu {

// The parameters of a quantised layer as its kernels want them: fovea/quantized_ops.h has the formula.
struct ByteWeights {
  std::vector<int8_t> values;  // [filter][weight], in the order given
  std::vector<int32_t> start;  // of each filter's sum: the bias in steps, less zero_point times the sum of its weights
  std::vector<float> scale;    // of each filter's sum

  // bias may be null.
  ByteWeights(const Quantization& from, int64_t filters, int64_t weights_per_filter, const float* weight,
              const float* weight_scale, const float* bias);
};

// Bytes behind a value's last that kernels on bytes may read (and do nothing with): they work on whole vectors.
constexpr int64_t byte_slack = 64;
// Floats that hold so many bytes and the slack.
inline size_t floats_for_bytes(int64_t bytes) {
  return (static_cast<size_t>(bytes) + byte_slack + sizeof(float) - 1) / sizeof(float);
}

}  // namespace fovea::cpu
