#include <algorithm>

#include "kernels/cpu/conv.h"

namespace fovea::cpu {

namespace {

using PhaseAxis = ConvInputGradient::PhaseAxis;

std::vector<PhaseAxis> phases(int64_t extent, int64_t kernel, int64_t stride, int64_t dilation, int64_t before) {
  std::vector<PhaseAxis> result;
  for (int64_t phase = 0; phase < std::min(stride, extent); ++phase) {
    PhaseAxis axis = {.first = phase, .step = stride, .count = (extent - phase + stride - 1) / stride, .taps = {}};
    for (int64_t a = kernel - 1; a >= 0; --a) {
      const int64_t distance = phase + before - a * dilation;
      if (distance % stride == 0) axis.taps.push_back({a, distance / stride});
    }
    result.push_back(std::move(axis));
  }
  return result;
}

// All inputs, where another axis has no taps.
PhaseAxis whole(int64_t extent) { return {.first = 0, .step = 1, .count = extent, .taps = {}}; }

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
  const auto planes = phases(s.depth, s.kernel_depth, s.stride_depth, s.dilation_depth, s.front);
  const auto rows = phases(s.height, s.kernel_height, s.stride_height, s.dilation_height, s.top);
  const auto columns = phases(s.width, s.kernel_width, s.stride_width, s.dilation_width, s.left);
  const Margins deep = reach(planes, s.out_depth);
  const Margins vertical = reach(rows, s.out_height);
  const Margins horizontal = reach(columns, s.out_width);
  padding_ = {.batch = s.batch,
              .depth = s.out_depth,
              .height = s.out_height,
              .width = s.out_width,
              .channels = s.filters,
              .front = deep.before,
              .back = deep.after,
              .top = vertical.before,
              .bottom = vertical.after,
              .left = horizontal.before,
              .right = horizontal.after};
  for (const PhaseAxis& plane : planes) {
    if (plane.taps.empty()) {
      add_phase(plane, whole(s.height), whole(s.width));
      continue;
    }
    for (const PhaseAxis& row : rows) {
      if (row.taps.empty()) {
        add_phase(plane, row, whole(s.width));
        continue;
      }
      for (const PhaseAxis& column : columns) add_phase(plane, row, column);
    }
  }
}

void ConvInputGradient::add_phase(const PhaseAxis& plane, const PhaseAxis& row, const PhaseAxis& column) {
  const ConvShape& s = shape_;
  const int64_t in_row = padding_.padded_width() * s.filters;
  const int64_t in_plane = padding_.padded_height() * in_row;
  const int64_t out_row = s.width * s.channels;
  const int64_t out_plane = s.height * out_row;
  WindowShape windows = {
      .batch = s.batch,
      .planes = plane.count,
      .rows = row.count,
      .columns = column.count,
      .windows = {.first = padding_.front * in_plane + padding_.top * in_row + padding_.left * s.filters,
                  .volume = padding_.padded_depth() * in_plane,
                  .plane = in_plane,
                  .row = in_row,
                  .column = s.filters},
      .outputs = {.first = plane.first * out_plane + row.first * out_row + column.first * s.channels,
                  .volume = s.depth * out_plane,
                  .plane = plane.step * out_plane,
                  .row = row.step * out_row,
                  .column = column.step * s.channels},
      .groups = s.groups,
      .in_channels = s.group_filters(),
      .out_channels = s.group_channels()};
  std::vector<int64_t> taps;
  for (const PhaseAxis::Tap& e : plane.taps) {
    for (const PhaseAxis::Tap& a : row.taps) {
      for (const PhaseAxis::Tap& b : column.taps) {
        windows.taps.push_back(e.shift * in_plane + a.shift * in_row + b.shift * s.filters);
        taps.push_back((e.tap * s.kernel_height + a.tap) * s.kernel_width + b.tap);
      }
    }
  }
  if (taps.empty()) windows.windows = {};  // these pixels are beyond all windows
  phases_.push_back({WindowGemm(windows), std::move(taps)});
}

void ConvInputGradient::load(const float* weight) {
  const ConvShape& s = shape_;
  const int64_t filter_size = s.group_channels() * s.taps();
  for (Phase& phase : phases_) {
    phase.gemm.load(weight, phase.taps, filter_size, s.taps(), s.group_filters() * filter_size);
  }
}

void ConvInputGradient::run(const float* dy, const Epilogue& epilogue, float* dx, float* scratch) const {
  const float* const in = padding_.padded(dy, scratch);
  for (const Phase& phase : phases_) phase.gemm.run(in, epilogue, dx);
}

}  // namespace fovea::cpu
