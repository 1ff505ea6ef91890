#include "kernels/cpu/byte_conv.h"

#include <algorithm>

#include "fovea/parallel.h"
#include "kernels/cpu/byte_gemm.h"
#include "kernels/cpu/conv.h"

namespace fovea::cpu {

ByteConv::ByteConv(const ConvShape& shape, const Quantization& from)
    : shape_(shape), from_(from), padding_(padding_of(shape)), windows_(windows_of(shape)) {
  const auto taps = static_cast<int64_t>(windows_.taps.size());
  const int64_t together = taps_per_run(windows_);
  for (int64_t t = 0; t < taps; t += together) run_offsets_.push_back(windows_.taps[static_cast<size_t>(t)]);
  run_length_ = together * windows_.in_channels;
  panels_ = make_panels(std::ssize(run_offsets_) * dots_of(run_length_), windows_.out_channels);
}

// Element k of run r is dot r dots_of(run_length) + k / 4 of its panel, byte k % 4.
void ByteConv::load(const ByteWeights& from) {
  const int64_t padded_columns = panels_.count() * panels_.full_width();
  const int64_t channels = windows_.in_channels;
  const int64_t taps = shape_.taps();
  const int64_t taps_together = run_length_ / channels;
  weights_.assign(static_cast<size_t>(windows_.groups * panels_.floats() * dot_length), 0);
  start_.assign(static_cast<size_t>(windows_.groups * padded_columns), 0);
  scale_.assign(static_cast<size_t>(windows_.groups * padded_columns), 0);
  parallel_for(shape_.filters, 8, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      const int64_t group = k / windows_.out_channels;
      const int64_t column = k % windows_.out_channels;
      const int64_t panel = column / panels_.full_width();
      const int64_t width = panels_.width_of(panel);
      start_[static_cast<size_t>(group * padded_columns + column)] = from.start[static_cast<size_t>(k)];
      scale_[static_cast<size_t>(group * padded_columns + column)] = from.scale[static_cast<size_t>(k)];
      int8_t* const to = weights_.data() + (group * panels_.floats() + panels_.offset(panel)) * dot_length +
                         (column - panels_.first_column(panel)) * dot_length;
      const int8_t* const filter = from.values.data() + k * channels * taps;
      for (int64_t tap = 0; tap < taps; ++tap) {
        for (int64_t c = 0; c < channels; ++c) {
          const int64_t in_run = tap % taps_together * channels + c;
          const int64_t dot = tap / taps_together * dots_of(run_length_) + in_run / dot_length;
          to[dot * width * dot_length + in_run % dot_length] = filter[c * taps + tap];
        }
      }
    }
  });
}

size_t ByteConv::scratch() const {
  return padding_.none() ? 0 : floats_for_bytes(static_cast<int64_t>(padding_.elements()));
}

void ByteConv::forward(const uint8_t* x, const ByteEpilogue& epilogue, const void* residual, void* y,
                       float* scratch) const {
  const uint8_t* const in =
      padding_.padded(x, reinterpret_cast<uint8_t*>(scratch), static_cast<uint8_t>(from_.zero_point));
  // The split of window_gemm.h.
  const int64_t pixels = windows_.pixels();
  const int64_t blocks = (pixels + row_block - 1) / row_block;
  const int64_t block = (pixels + blocks - 1) / blocks;
  constexpr int64_t enough_tasks = 16;
  const int64_t splits = std::clamp<int64_t>(enough_tasks / blocks, 1, panels_.count());
  const int64_t panels_per_task = (panels_.count() + splits - 1) / splits;
  parallel_for(splits * blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t first = task % blocks * block;
      const int64_t first_panel = task / blocks * panels_per_task;
      run_block(first, std::min(block, pixels - first), first_panel,
                std::min(first_panel + panels_per_task, panels_.count()), in, epilogue,
                static_cast<const uint8_t*>(residual), static_cast<uint8_t*>(y));
    }
  });
}

void ByteConv::run_block(int64_t first, int64_t count, int64_t first_panel, int64_t last_panel, const uint8_t* in,
                         const ByteEpilogue& epilogue, const uint8_t* residual, uint8_t* out) const {
  const WindowShape& s = windows_;
  const uint8_t* windows[row_block];
  const uint8_t* residuals[row_block];
  uint8_t* outputs[row_block];
  const int64_t padded_columns = panels_.count() * panels_.full_width();
  for (int64_t g = 0; g < s.groups; ++g) {
    Pixel pixel = s.pixel(first);
    for (int64_t m = 0; m < count; ++m, s.advance(pixel)) {
      const int64_t to = s.outputs.offset(pixel) + g * s.out_channels;
      windows[m] = in + s.windows.offset(pixel) + g * s.in_channels;
      outputs[m] = out + to * epilogue.output_size();
      if (residual) residuals[m] = residual + to * epilogue.residual_size();
    }
    const ByteMatrix matrix = {.panels = panels_,
                               .weights = weights_.data() + g * panels_.floats() * dot_length,
                               .start = start_.data() + g * padded_columns,
                               .scale = scale_.data() + g * padded_columns};
    byte_gemm(windows, count, {run_offsets_.data(), std::ssize(run_offsets_), run_length_}, matrix, epilogue,
              residual ? residuals : nullptr, outputs, first_panel, last_panel);
  }
}

}  // namespace fovea::cpu
