#include "kernels/cpu/depthwise.h"

#include <algorithm>
#include <numeric>

#include "fovea/parallel.h"
#include "kernels/cpu/depthwise_row.h"

namespace fovea::cpu {

namespace {

struct LayerAxis {
  int64_t in, out, kernel, stride, dilation, before;
};

LayerAxis layer_rows(const ConvShape& s) {
  return {s.height, s.out_height, s.kernel_height, s.stride_height, s.dilation_height, s.top};
}
LayerAxis layer_columns(const ConvShape& s) {
  return {s.width, s.out_width, s.kernel_width, s.stride_width, s.dilation_width, s.left};
}

DepthwiseAxis forward_axis(const LayerAxis& a) {
  return {.extent = a.in,
          .kernel = a.kernel,
          .stride = a.stride,
          .dilation = a.dilation,
          .before = a.before,
          .count = a.out,
          .out_extent = a.out,
          .first = 0,
          .step = 1,
          .first_tap = 0,
          .tap_step = 1};
}

// The input pixels h = first, first + stride ... Tap a met h in output (h + before - a dilation) / stride where that is
// whole: for every tap_step-th a. The last of these taps lies first in the gradient of the outputs.
DepthwiseAxis gradient_axis(const LayerAxis& l, int64_t first) {
  const int64_t common = std::gcd(l.stride, l.dilation);
  const int64_t tap_step = l.stride / common;
  int64_t tap = 0;
  while (tap < tap_step && (first + l.before - tap * l.dilation) % l.stride != 0) ++tap;
  const int64_t taps = tap < std::min(tap_step, l.kernel) ? (l.kernel - tap + tap_step - 1) / tap_step : 0;
  const int64_t dilation = l.dilation / common;
  const int64_t output = taps > 0 ? (first + l.before - tap * l.dilation) / l.stride : 0;  // that meets `first` and tap
  return {.extent = l.out,
          .kernel = taps,
          .stride = 1,
          .dilation = dilation,
          .before = (taps - 1) * dilation - output,

          .count = (l.in - first + l.stride - 1) / l.stride,
          .out_extent = l.in,
          .first = first,
          .step = l.stride,
          .first_tap = tap + (taps - 1) * tap_step,
          .tap_step = -tap_step};
}

int64_t blocks_of(int64_t channels) { return (channels + depthwise_block - 1) / depthwise_block; }

void pack(const ConvShape& s, const float* weight, DepthwisePass& pass) {
  pass.weights.assign(static_cast<size_t>(blocks_of(s.channels) * pass.taps() * depthwise_block), 0.0F);
  for (int64_t c = 0; c < s.channels; ++c) {
    const float* const from = weight + c * s.taps();
    float* to = pass.weights.data() + c / depthwise_block * pass.taps() * depthwise_block + c % depthwise_block;
    for (int64_t a = 0; a < pass.rows.kernel; ++a) {
      const int64_t row = (pass.rows.first_tap + a * pass.rows.tap_step) * s.kernel_width;
      for (int64_t b = 0; b < pass.columns.kernel; ++b, to += depthwise_block) {
        *to = from[row + pass.columns.first_tap + b * pass.columns.tap_step];
      }
    }
  }
}

}  // namespace

Depthwise::Depthwise(const ConvShape& shape, bool input_gradient, bool weight_gradient)
    : shape_(shape), weight_gradient_(weight_gradient) {
  const LayerAxis rows = layer_rows(shape);
  const LayerAxis columns = layer_columns(shape);
  forward_.push_back({forward_axis(rows), forward_axis(columns), {}});
  if (!input_gradient) return;
  for (int64_t row = 0; row < std::min(rows.stride, rows.in); ++row) {
    for (int64_t column = 0; column < std::min(columns.stride, columns.in); ++column) {
      gradient_.push_back({gradient_axis(rows, row), gradient_axis(columns, column), {}});
    }
  }
}

void Depthwise::load(const float* weight) {
  for (DepthwisePass& pass : forward_) pack(shape_, weight, pass);
  for (DepthwisePass& pass : gradient_) pack(shape_, weight, pass);
}

// Tasks are rows of channel blocks whose weights stay in the first cache.
void Depthwise::run(const std::vector<DepthwisePass>& passes, const float* in, const Epilogue& epilogue,
                    float* out) const {
  constexpr int64_t weights_in_cache = 4096;  // floats
  constexpr int64_t multiply_adds_per_task = 65536;
  const int64_t all = blocks_of(shape_.channels);
  const int64_t most = std::max<int64_t>(1, weights_in_cache / (shape_.taps() * 2 * depthwise_block)) * 2;
  const int64_t parts = (all + most - 1) / most;
  const int64_t pairs = ((all + parts - 1) / parts + 1) / 2;
  const int64_t width = 2 * pairs * depthwise_block;  // pairs of 16 channels make full tiles
  const int64_t blocks = (shape_.channels + width - 1) / width;
  int64_t rows = 0, columns = 0;
  for (const DepthwisePass& pass : passes) {
    rows = std::max(rows, pass.rows.count);
    columns += pass.columns.count;
  }
  const int64_t work =
      columns * std::min(width, shape_.channels) * shape_.taps() / static_cast<int64_t>(passes.size()) + 1;
  const DepthwiseInput pictures = {.data = in, .pixel = shape_.channels};
  parallel_for(shape_.batch * blocks * rows, std::max<int64_t>(1, multiply_adds_per_task / work),
               [&](int64_t begin, int64_t end) {
                 for (int64_t k = begin; k < end; ++k) {
                   const int64_t row = k % rows;
                   const int64_t first = k / rows % blocks * width;
                   const int64_t last = std::min(first + width, shape_.channels);
                   for (const DepthwisePass& pass : passes) {
                     if (row < pass.rows.count) {
                       depthwise_row(pass, shape_.channels, k / rows / blocks, row, first, last, pictures, epilogue,
                                     out);
                     }
                   }
                 }
               });
}

void Depthwise::forward(const float* x, const Epilogue& epilogue, float* y, float* /*scratch*/) const {
  run(forward_, x, epilogue, y);
}

void Depthwise::transposed(const float* dy, const Epilogue& epilogue, float* dx, float* /*scratch*/) const {
  run(gradient_, dy, epilogue, dx);
}

}  // namespace fovea::cpu
