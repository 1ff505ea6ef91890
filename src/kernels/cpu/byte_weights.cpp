#include "kernels/cpu/byte_weights.h"

#include "fovea/parallel.h"
#include "kernels/nearest.h"

namespace fovea::cpu {

ByteWeights::ByteWeights(const Quantization& from, int64_t filters, int64_t weights_per_filter, const float* weight,
                         const float* weight_scale, const float* bias)
    : values(static_cast<size_t>(filters * weights_per_filter)),
      start(static_cast<size_t>(filters)),
      scale(static_cast<size_t>(filters)) {
  constexpr int64_t elements_per_chunk = 32768;
  parallel_for(filters, elements_per_chunk / (weights_per_filter + 1) + 1, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      int64_t sum = 0;
      for (int64_t i = k * weights_per_filter; i < (k + 1) * weights_per_filter; ++i) {
        const int32_t value = to_weight(weight[i]);
        values[static_cast<size_t>(i)] = static_cast<int8_t>(value);
        sum += value;
      }
      const float step = from.scale * weight_scale[k];
      const int64_t steps = bias ? bias_steps(bias[k], step) : 0;
      scale[static_cast<size_t>(k)] = step;
      start[static_cast<size_t>(k)] = static_cast<int32_t>(steps - from.zero_point * sum);
    }
  });
}

}  // namespace fovea::cpu
