#include "kernels/cpu/window_gemm.h"

#include <algorithm>

#include "fovea/parallel.h"
#include "kernels/cpu/gemm.h"

namespace fovea::cpu {

int64_t taps_per_run(const WindowShape& s) {
  const auto count = static_cast<int64_t>(s.taps.size());
  if (s.groups != 1) return 1;
  int64_t length = 1;
  while (length < count && s.taps[static_cast<size_t>(length)] == s.taps[0] + length * s.in_channels) ++length;
  for (int64_t t = 0; t < count; ++t) {
    const int64_t start = s.taps[static_cast<size_t>(t / length * length)];
    if (count % length != 0 || s.taps[static_cast<size_t>(t)] != start + t % length * s.in_channels) return 1;
  }
  return length;
}

WindowGemm::WindowGemm(const WindowShape& shape) : shape_(shape) {
  const auto taps = static_cast<int64_t>(shape.taps.size());
  if (GroupVectors::suits(shape.groups, shape.in_channels, shape.out_channels)) {
    group_vectors_ = {.groups = shape.groups, .channels = shape.in_channels, .taps = taps, .lanes = float_lanes()};
    return;
  }
  panels_ = make_panels(taps * shape.in_channels, shape.out_channels);
  const int64_t together = taps_per_run(shape);
  for (int64_t t = 0; t < taps; t += together) run_offsets_.push_back(shape.taps[static_cast<size_t>(t)]);
  run_length_ = together * shape.in_channels;
}

void WindowGemm::load(const float* weight, const std::vector<int64_t>& tap_offsets, int64_t in_stride,
                      int64_t out_stride, int64_t group_stride) {
  if (group_vectors_) {
    packed_ = pack_groups(*group_vectors_, weight, tap_offsets, in_stride, out_stride, group_stride);
    return;
  }
  std::vector<int64_t> rows;
  for (const int64_t tap : tap_offsets) {
    for (int64_t c = 0; c < shape_.in_channels; ++c) rows.push_back(tap + c * in_stride);
  }
  std::vector<int64_t> columns;
  for (int64_t k = 0; k < shape_.out_channels; ++k) columns.push_back(k * out_stride);
  if (packed_.empty()) packed_ = make_buffer(static_cast<size_t>(panels_.floats() * shape_.groups));
  for (int64_t g = 0; g < shape_.groups; ++g) {
    pack_panels(panels_, weight + g * group_stride, rows.data(), columns.data(), packed_.data() + g * panels_.floats());
  }
}

void WindowGemm::run(const float* in, const Epilogue& epilogue, float* out) const {
  const int64_t pixels = shape_.pixels();
  const int64_t blocks = (pixels + row_block - 1) / row_block;
  const int64_t block = (pixels + blocks - 1) / blocks;
  // Few pixels (late layers, batch one): split the output channels as well.
  constexpr int64_t enough_tasks = 16;
  const int64_t panels = group_vectors_ ? group_vectors_->count() : panels_.count();
  const int64_t splits = std::clamp<int64_t>(enough_tasks / blocks, 1, panels);
  const int64_t panels_per_task = (panels + splits - 1) / splits;
  // Threads take neighbouring tasks. What is more, activations or weights, should stay in one's cache.
  const bool by_pixels = panels_.floats() < pixels * (shape_.in_channels + shape_.out_channels);
  parallel_for(splits * blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t first = (by_pixels ? task / splits : task % blocks) * block;
      const int64_t first_panel = (by_pixels ? task % splits : task / blocks) * panels_per_task;
      run_block(first, std::min(block, pixels - first), first_panel, std::min(first_panel + panels_per_task, panels),
                in, epilogue, out);
    }
  });
}

void WindowGemm::run_block(int64_t first, int64_t count, int64_t first_panel, int64_t last_panel, const float* in,
                           const Epilogue& epilogue, float* out) const {
  const WindowShape& s = shape_;
  const float* windows[row_block];
  const float* residuals[row_block];
  float* outputs[row_block];
  const int64_t group_blocks = group_vectors_ ? 1 : s.groups;
  const int64_t first_column = group_vectors_ ? 0 : panels_.first_column(first_panel);
  for (int64_t g = 0; g < group_blocks; ++g) {
    Pixel pixel = s.pixel(first);
    for (int64_t m = 0; m < count; ++m, s.advance(pixel)) {
      const int64_t to = s.outputs.offset(pixel) + g * s.out_channels + first_column;
      windows[m] = in + s.windows.offset(pixel) + g * s.in_channels;
      outputs[m] = out + to;
      if (epilogue.residual) residuals[m] = epilogue.residual + to;
    }
    if (group_vectors_) {
      group_gemm(*group_vectors_, packed_.data(), s.taps.data(), windows, count, epilogue,
                 epilogue.residual ? residuals : nullptr, outputs, first_panel, last_panel);
      return;
    }
    Epilogue of_group = epilogue;
    if (epilogue.bias) of_group.bias += g * s.out_channels;
    row_gemm(windows, count, {run_offsets_.data(), static_cast<int64_t>(run_offsets_.size()), run_length_}, panels_,
             packed_.data() + g * panels_.floats(), of_group, epilogue.residual ? residuals : nullptr, outputs,
             first_panel, last_panel);
  }
}

}  // namespace fovea::cpu
