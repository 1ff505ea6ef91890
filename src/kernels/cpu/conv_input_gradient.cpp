#include <algorithm>

#include "fovea/parallel.h"
#include "kernels/cpu/conv.h"

namespace fovea::cpu {

namespace {

// One axis. Input i = phase + stride u sees output o through tap a when o stride + a dilation = i + before, which is
// o = u + (phase + before - a dilation) / stride, for the taps that make this whole.
struct PhaseAxis {
  struct Tap {
    int64_t tap;
    int64_t shift;  // o - u
  };
  int64_t phase = 0;
  int64_t count = 0;      // of inputs
  std::vector<Tap> taps;  // by ascending shift
};

std::vector<PhaseAxis> phases(int64_t extent, int64_t kernel, int64_t stride, int64_t dilation, int64_t before) {
  std::vector<PhaseAxis> result;
  for (int64_t phase = 0; phase < std::min(stride, extent); ++phase) {
    PhaseAxis axis = {.phase = phase, .count = (extent - phase + stride - 1) / stride, .taps = {}};
    for (int64_t a = kernel - 1; a >= 0; --a) {
      const int64_t distance = phase + before - a * dilation;
      if (distance % stride == 0) axis.taps.push_back({a, distance / stride});
    }
    result.push_back(std::move(axis));
  }
  return result;
}

struct Margins {
  int64_t before = 0;
  int64_t after = 0;
};

// How far beyond the `outputs` of dy the phases reach.
Margins reach(const std::vector<PhaseAxis>& axes, int64_t outputs) {
  Margins margins;
  for (const PhaseAxis& axis : axes) {
    if (axis.taps.empty()) continue;
    margins.before = std::max(margins.before, -axis.taps.front().shift);
    margins.after = std::max(margins.after, axis.count - 1 + axis.taps.back().shift - (outputs - 1));
  }
  return margins;
}

}  // namespace

ConvInputGradient::ConvInputGradient(const ConvShape& shape) : shape_(shape) {
  const ConvShape& s = shape_;
  const auto rows = phases(s.height, s.kernel_height, s.stride_height, s.dilation_height, s.top);
  const auto columns = phases(s.width, s.kernel_width, s.stride_width, s.dilation_width, s.left);
  const Margins vertical = reach(rows, s.out_height);
  const Margins horizontal = reach(columns, s.out_width);
  padding_ = {.batch = s.batch,
              .height = s.out_height,
              .width = s.out_width,
              .channels = s.filters,
              .top = vertical.before,
              .bottom = vertical.after,
              .left = horizontal.before,
              .right = horizontal.after};
  const int64_t column_floats = s.filters;
  const int64_t row_floats = padding_.padded_width() * s.filters;
  for (const PhaseAxis& row : rows) {
    for (const PhaseAxis& column : columns) {
      if (row.taps.empty() || column.taps.empty()) {
        covers_input_ = false;
        continue;
      }
      WindowShape windows = {.batch = s.batch,
                             .rows = row.count,
                             .columns = column.count,
                             .windows = {.first = padding_.top * row_floats + padding_.left * column_floats,
                                         .picture = padding_.padded_height() * row_floats,
                                         .row = row_floats,
                                         .column = column_floats},
                             .outputs = {.first = (row.phase * s.width + column.phase) * s.channels,
                                         .picture = s.height * s.width * s.channels,
                                         .row = s.stride_height * s.width * s.channels,
                                         .column = s.stride_width * s.channels},
                             .groups = s.groups,
                             .in_channels = s.group_filters(),
                             .out_channels = s.group_channels()};
      std::vector<int64_t> taps;
      for (const PhaseAxis::Tap& a : row.taps) {
        for (const PhaseAxis::Tap& b : column.taps) {
          windows.taps.push_back(a.shift * row_floats + b.shift * column_floats);
          taps.push_back(a.tap * s.kernel_width + b.tap);
        }
      }
      phases_.push_back({WindowGemm(windows), std::move(taps)});
    }
  }
}

void ConvInputGradient::load(const float* weight) {
  const ConvShape& s = shape_;
  const int64_t filter_size = s.group_channels() * s.taps();
  for (Phase& phase : phases_) {
    phase.gemm.load(weight, phase.taps, filter_size, s.taps(), s.group_filters() * filter_size);
  }
}

void ConvInputGradient::run(const float* dy, float* dx, float* scratch) const {
  const float* const in = padding_.padded(dy, scratch);
  if (!covers_input_) {
    const int64_t picture = shape_.height * shape_.width * shape_.channels;
    parallel_for(shape_.batch, 1,
                 [&](int64_t begin, int64_t end) { std::fill_n(dx + begin * picture, (end - begin) * picture, 0.0F); });
  }
  for (const Phase& phase : phases_) phase.gemm.run(in, {}, dx);
}

}  // namespace fovea::cpu
