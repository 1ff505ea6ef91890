#include "kernels/cpu/dense.h"

#include <algorithm>
#include <numeric>

#include "fovea/parallel.h"
#include "kernels/cpu/dense_rows.h"
#include "kernels/cpu/outer_gemm.h"

namespace fovea::cpu {

namespace {

// out {batch, panels.columns} = in {batch, panels.rows} times the packed matrix.
void multiply_packed(int64_t batch, const float* in, const Panels& panels, const float* packed,
                     const Epilogue& epilogue, float* out) {
  const int64_t zero_offset = 0;
  // A task is one panel against all rows: the weights, far larger than the activations, are read once. Small panels
  // are taken several at a time.
  constexpr int64_t multiply_adds_per_task = 65536;
  const int64_t grain = multiply_adds_per_task / (panels.rows * panels.full_width() * batch + 1) + 1;
  parallel_for(panels.count(), grain, [&](int64_t begin, int64_t end) {
    for (int64_t first = 0; first < batch; first += row_block) {
      const int64_t count = std::min(row_block, batch - first);
      const float* a[row_block];
      float* c[row_block];
      const float* residual[row_block];
      for (int64_t m = 0; m < count; ++m) {
        a[m] = in + (first + m) * panels.rows;
        c[m] = out + (first + m) * panels.columns;
        residual[m] = epilogue.residual ? epilogue.residual + (first + m) * panels.columns : nullptr;
      }
      row_gemm(a, count, Runs{&zero_offset, 1, panels.rows}, panels, packed, epilogue,
               epilogue.residual ? residual : nullptr, c, begin, end);
    }
  });
}

// Packing would take longer than all samples together, and as much memory again.
bool suits_in_place(int64_t batch, int64_t channels, int64_t units) {
  constexpr int64_t large = int64_t{1} << 20;  // weights, 4 MB
  return batch <= dense_rows_samples && channels >= 512 && channels * units >= large;
}

}  // namespace

Dense::Dense(int64_t batch, int64_t channels, int64_t units)
    : batch_(batch),
      channels_(channels),
      units_(units),
      in_place_(suits_in_place(batch, channels, units)),
      forward_panels_(make_panels(channels, units)),
      gradient_panels_(make_panels(units, channels)),
      ascending_(static_cast<size_t>(std::max(channels, units))) {
  std::iota(ascending_.begin(), ascending_.end(), int64_t{0});
  for (int64_t k = 0; k < units; ++k) unit_starts_.push_back(k * channels);
}

void Dense::load(const float* weight, bool for_input_gradient) {
  weight_ = weight;
  if (in_place_) return;
  packed_forward_.resize(static_cast<size_t>(forward_panels_.floats()));
  pack_panels(forward_panels_, weight, ascending_.data(), unit_starts_.data(), packed_forward_.data());
  if (!for_input_gradient) return;
  packed_gradient_.resize(static_cast<size_t>(gradient_panels_.floats()));
  pack_panels(gradient_panels_, weight, unit_starts_.data(), ascending_.data(), packed_gradient_.data());
}

void Dense::forward(const float* x, const Epilogue& epilogue, float* y) const {
  if (in_place_) {
    parallel_for(units_, dense_rows_units, [&](int64_t begin, int64_t end) {
      dense_rows_forward(batch_, channels_, units_, begin, end - begin, x, weight_, epilogue, y);
    });
    return;
  }
  multiply_packed(batch_, x, forward_panels_, packed_forward_.data(), epilogue, y);
}

void Dense::input_gradient(const float* dy, float* dx) const {
  if (in_place_) {
    parallel_for(channels_, dense_rows_channels, [&](int64_t begin, int64_t end) {
      dense_rows_input_gradient(batch_, channels_, units_, begin, end - begin, dy, weight_, dx);
    });
    return;
  }
  multiply_packed(batch_, dy, gradient_panels_, packed_gradient_.data(), {}, dx);
}

// Samples take the part that pixels have in a convolution.
void Dense::weight_gradient(const float* x, const float* dy, float* dweight, float* dbias) const {
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
