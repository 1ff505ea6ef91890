#include "kernels/cpu/winograd.h"

#include <algorithm>

#include "fovea/parallel.h"
#include "kernels/cpu/slots.h"
#include "kernels/cpu/winograd_gemm.h"

namespace fovea::cpu {

namespace {

constexpr int64_t cached_floats = 1 << 18;  // of a block's transforms
constexpr int64_t tile_unit = 14;           // whole register tiles
constexpr int64_t fewest_tiles = 42;        // of a block, so that the weights, read once for each, take little time
constexpr int64_t small_block = 28;
constexpr int64_t taps = 9;

WinogradShape forward_shape(const ConvShape& s) {
  return {.batch = s.batch,
          .height = s.height,
          .width = s.width,
          .channels = s.channels,
          .out_height = s.out_height,
          .out_width = s.out_width,
          .filters = s.filters,
          .top = s.top,
          .left = s.left,
          .out_pixel = s.out_pixel()};
}

WinogradShape gradient_shape(const ConvShape& s) {
  return {.batch = s.batch,
          .height = s.out_height,
          .width = s.out_width,
          .channels = s.filters,
          .out_height = s.height,
          .out_width = s.width,
          .filters = s.channels,
          .top = 2 - s.top,
          .left = 2 - s.left,
          .out_pixel = s.channels};
}

}  // namespace

WinogradPass::WinogradPass(const WinogradShape& shape)
    : shape_(shape), panels_(winograd_panels(shape.padded_channels(), shape.filters)) {
  const int64_t tile_floats = winograd_products * (shape_.padded_channels() + panels_.columns);
  const int64_t cached_tiles = cached_floats / tile_floats / tile_unit * tile_unit;
  block_tiles_ = std::max(fewest_tiles, cached_tiles);
  // Enough blocks for some threads: smaller ones if that leaves their weights in the cache too, else one, whose steps
  // are split.
  constexpr int64_t enough_blocks = 8;
  if (shape_.tiles() < enough_blocks * block_tiles_) {
    block_tiles_ = cached_tiles > small_block && shape_.tiles() > 4 * small_block ? small_block : shape_.tiles();
  }
  blocks_ = (shape_.tiles() + block_tiles_ - 1) / block_tiles_;
  slots_ = std::min<int64_t>(thread_count(), blocks_);
}

void WinogradPass::load(const WinogradWeights& weights) {
  const auto floats = static_cast<size_t>(winograd_products * panels_.floats());
  if (filters_.empty()) filters_ = make_buffer(floats);
  parallel_for(panels_.count(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t panel = begin; panel < end; ++panel) {
      winograd_transform_filters(shape_, panels_, panel, weights, filters_.data());
    }
  });
}

size_t WinogradPass::block_scratch() const {
  const WinogradBlock block = winograd_block(block_tiles_);
  return static_cast<size_t>(block.input_floats(shape_) + block.output_floats(panels_));
}

size_t WinogradPass::scratch() const { return static_cast<size_t>(slots_) * block_scratch(); }

void WinogradPass::run(const float* x, const Epilogue& epilogue, float* y, float* scratch) const {
  blocks_ > 1 ? run_blocks(x, epilogue, y, scratch) : run_phases(x, epilogue, y, scratch);
}

void WinogradPass::run_blocks(const float* x, const Epilogue& epilogue, float* y, float* scratch) const {
  parallel_for_slots(blocks_, slots_, [&](int64_t task, int64_t slot) {
    WinogradBlock block = winograd_block(block_tiles_);
    block.first = task * block_tiles_;
    const int64_t tiles = std::min(block_tiles_, shape_.tiles() - block.first);
    float* const v = scratch + static_cast<size_t>(slot) * block_scratch();
    float* const m = v + block.input_floats(shape_);
    winograd_transform_input(shape_, block, {0, tiles}, x, v);
    winograd_multiply(shape_, block, panels_, {0, winograd_products}, tiles, v, filters_.data(), m);
    winograd_transform_output(shape_, block, panels_, {0, tiles}, m, epilogue, y);
  });
}

// Few tiles are one block, and threads share each of its three steps.
void WinogradPass::run_phases(const float* x, const Epilogue& epilogue, float* y, float* scratch) const {
  constexpr int64_t tiles_per_task = 4;
  const WinogradBlock block = winograd_block(block_tiles_);
  float* const v = scratch;
  float* const m = v + block.input_floats(shape_);
  parallel_for(block_tiles_, tiles_per_task, [&](int64_t begin, int64_t end) {
    winograd_transform_input(shape_, block, {begin, end}, x, v);
  });
  parallel_for(winograd_products, 1, [&](int64_t begin, int64_t end) {
    winograd_multiply(shape_, block, panels_, {begin, end}, block_tiles_, v, filters_.data(), m);
  });
  parallel_for(block_tiles_, tiles_per_task, [&](int64_t begin, int64_t end) {
    winograd_transform_output(shape_, block, panels_, {begin, end}, m, epilogue, y);
  });
}

// In units of the time of one multiply-add per channel and filter. The transforms of a tile cost as much as 17 more
// channels and 17 more filters would; below 24 tiles the time is that of reading the transformed weights. Measured, see
// docs/decisions/0008-winograd.md.
bool Winograd::suits(const ConvShape& s) {
  const bool is_possible = s.is_flat() && s.kernel_height == 3 && s.kernel_width == 3 && s.stride_height == 1 &&
                           s.stride_width == 1 && s.dilation_height == 1 && s.dilation_width == 1 && s.groups == 1;
  constexpr int64_t fewest_channels = 16, weight_bound_tiles = 24;
  if (!is_possible || s.channels < fewest_channels || s.filters < fewest_channels) return false;
  constexpr double transform_channels = 17;
  const double overhead =
      1 + transform_channels / static_cast<double>(s.channels) + transform_channels / static_cast<double>(s.filters);
  const int64_t tiles = std::max(weight_bound_tiles, forward_shape(s).tiles());
  return static_cast<double>(tiles * winograd_products) * overhead < static_cast<double>(s.out_pixels() * s.taps());
}

Winograd::Winograd(const ConvShape& s, bool for_input_gradient, bool for_weight_gradient)
    : channels_(s.channels), forward_(forward_shape(s)) {
  if (for_input_gradient) input_gradient_.emplace(gradient_shape(s));
  if (for_weight_gradient) weight_gradient_.emplace(forward_shape(s));
}

void Winograd::load(const float* weight) {
  forward_.load({.weight = weight, .filter_stride = channels_ * taps, .channel_stride = taps, .turned = false});
  if (input_gradient_) {
    input_gradient_->load(
        {.weight = weight, .filter_stride = taps, .channel_stride = channels_ * taps, .turned = true});
  }
}

size_t Winograd::scratch() const {
  return std::max({forward_.scratch(), input_gradient_ ? input_gradient_->scratch() : 0,
                   weight_gradient_ ? weight_gradient_->scratch() : 0});
}

void Winograd::forward(const float* x, const Epilogue& epilogue, float* y, float* scratch) const {
  forward_.run(x, epilogue, y, scratch);
}

void Winograd::transposed(const float* dy, const Epilogue& epilogue, float* dx, float* scratch) const {
  input_gradient_->run(dy, epilogue, dx, scratch);
}

void Winograd::weight_gradient(const float* x, const float* dy, float* dweight, float* dbias, float* scratch) const {
  weight_gradient_->run(x, dy, dweight, dbias, scratch);
}

}  // namespace fovea::cpu
