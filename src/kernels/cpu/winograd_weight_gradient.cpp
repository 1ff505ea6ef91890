#include "kernels/cpu/winograd_weight_gradient.h"

#include <algorithm>

#include "fovea/parallel.h"
#include "kernels/cpu/winograd_gemm.h"
#include "kernels/cpu/winograd_gradient_transforms.h"
#include "kernels/cpu/winograd_transforms.h"

namespace fovea::cpu {

WinogradWeightGradient::WinogradWeightGradient(const WinogradShape& shape)
    : shape_(shape), panels_(winograd_panels(shape.padded_channels(), shape.filters)) {
  constexpr int64_t cached_floats = 1 << 19;  // of a block's transforms
  constexpr int64_t fewest_tiles = 96;        // so that the sums, read and written for each block, take little time
  const int64_t tile_floats = winograd_products * (shape_.padded_channels() + panels_.columns);
  const int64_t tiles = std::max(fewest_tiles, cached_floats / tile_floats);
  blocks_ = (shape_.tiles() + tiles - 1) / tiles;
  block_tiles_ = (shape_.tiles() + blocks_ - 1) / blocks_;
}

size_t WinogradWeightGradient::scratch() const {
  const WinogradBlock block = winograd_block(block_tiles_);
  return static_cast<size_t>(block.input_floats(shape_) + block.output_floats(panels_) +
                             winograd_products * panels_.floats() + block_tiles_ * panels_.columns);
}

// Threads share the tiles of a block while they are transformed, then the products: each sum runs over all tiles in
// order, whatever the number of threads.
void WinogradWeightGradient::run(const float* x, const float* dy, float* dweight, float* dbias, float* scratch) const {
  constexpr int64_t tiles_per_task = 4;
  WinogradBlock block = winograd_block(block_tiles_);
  float* const v = scratch;
  float* const m = v + block.input_floats(shape_);
  float* const sums = m + block.output_floats(panels_);
  float* const tile_sums = sums + winograd_products * panels_.floats();
  for (int64_t n = 0; n < blocks_; ++n) {
    block.first = n * block_tiles_;
    const int64_t tiles = std::min(block_tiles_, shape_.tiles() - block.first);
    parallel_for(tiles, tiles_per_task, [&](int64_t begin, int64_t end) {
      winograd_transform_input(shape_, block, {begin, end}, x, v);
      winograd_transform_output_gradient(shape_, block, panels_, {begin, end}, dy, m, tile_sums);
    });
    parallel_for(winograd_products, 1, [&](int64_t begin, int64_t end) {
      winograd_multiply_gradients(shape_, block, panels_, {begin, end}, tiles, v, m, sums, n > 0);
    });
    if (dbias && n == 0) std::fill_n(dbias, shape_.filters, 0.0F);
    for (int64_t tile = 0; dbias && tile < tiles; ++tile) {
      for (int64_t k = 0; k < shape_.filters; ++k) dbias[k] += tile_sums[tile * panels_.columns + k];
    }
  }
  parallel_for(panels_.count(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t panel = begin; panel < end; ++panel) {
      winograd_transform_filter_gradient(shape_, panels_, panel, sums, dweight);
    }
  });
}

}  // namespace fovea::cpu
