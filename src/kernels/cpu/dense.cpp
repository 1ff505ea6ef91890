#include "kernels/cpu/dense.h"

#include <algorithm>

#include "fovea/parallel.h"
#include "kernels/cpu/dense_rows.h"
#include "kernels/cpu/outer_gemm.h"

namespace fovea::cpu {

namespace {

// Samples take the part that pixels have in a convolution.
WindowShape samples(int64_t batch, int64_t in_channels, int64_t out_channels) {
  return {.columns = batch,
          .windows = {.column = in_channels},
          .outputs = {.column = out_channels},
          .taps = {0},
          .in_channels = in_channels,
          .out_channels = out_channels};
}

// Packing large weights would take longer than all samples together, and as much memory again. A single sample is done
// before panels, which are read one behind the other, have come from memory.
bool suits_in_place(int64_t batch, int64_t channels, int64_t units) {
  constexpr int64_t large = int64_t{1} << 20;  // weights, 4 MB
  return (batch == 1 && channels >= 64) ||
         (batch <= dense_rows_samples && channels >= 512 && channels * units >= large);
}

}  // namespace

Dense::Dense(const DenseShape& shape, bool input_gradient, bool /*weight_gradient*/)
    : batch_(shape.batch),
      channels_(shape.channels),
      units_(shape.units),
      input_gradient_(input_gradient),
      in_place_(suits_in_place(batch_, channels_, units_)),
      forward_(samples(batch_, channels_, units_)),
      gradient_(samples(batch_, units_, channels_)) {}

void Dense::load(const float* weight) {
  weight_ = weight;
  if (in_place_) return;
  forward_.load(weight, {0}, 1, channels_, 0);
  if (input_gradient_) gradient_.load(weight, {0}, channels_, 1, 0);
}

void Dense::forward(const float* x, const Epilogue& epilogue, float* y, float* /*scratch*/) const {
  if (in_place_) {
    parallel_for(units_, dense_rows_units, [&](int64_t begin, int64_t end) {
      dense_rows_forward(batch_, channels_, units_, begin, end - begin, x, weight_, epilogue, y);
    });
    return;
  }
  forward_.run(x, epilogue, y);
}

void Dense::input_gradient(const float* dy, float* dx, float* /*scratch*/) const {
  if (in_place_) {
    parallel_for(channels_, dense_rows_channels, [&](int64_t begin, int64_t end) {
      dense_rows_input_gradient(batch_, channels_, units_, begin, end - begin, dy, weight_, dx);
    });
    return;
  }
  gradient_.run(dy, {}, dx);
}

void Dense::weight_gradient(const float* x, const float* dy, float* dweight, float* dbias, float* /*scratch*/) const {
  static constexpr int64_t zero_offset = 0;
  const int64_t row_blocks = (units_ + outer_rows - 1) / outer_rows;
  const int64_t column_blocks = (channels_ + outer_columns - 1) / outer_columns;
  parallel_for(row_blocks * column_blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t unit = task / column_blocks * outer_rows;
      const int64_t channel = task % column_blocks * outer_columns;
      const float* a[outer_pixels];
      const float* b[outer_pixels];
      OuterProduct product = {.a = a,
                              .b = b,
                              .runs = {&zero_offset, 1, channels_},
                              .pixels = 0,
                              .rows = std::min(outer_rows, units_ - unit),
                              .first = channel,
                              .columns = std::min(outer_columns, channels_ - channel)};
      for (int64_t first = 0; first < batch_; first += outer_pixels) {
        product.pixels = std::min(outer_pixels, batch_ - first);
        for (int64_t m = 0; m < product.pixels; ++m) {
          a[m] = dy + (first + m) * units_ + unit;
          b[m] = x + (first + m) * channels_;
        }
        outer_gemm(product, dweight + unit * channels_ + channel, channels_, first != 0);
      }
    }
  });
  if (!dbias) return;
  for (int64_t k = 0; k < units_; ++k) {
    float sum = 0;
    for (int64_t n = 0; n < batch_; ++n) sum += dy[n * units_ + k];
    dbias[k] = sum;
  }
}

}  // namespace fovea::cpu
