#include "kernels/cpu/dense.h"

#include <algorithm>
#include <numeric>

#include "fovea/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/dense.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/gemm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {

void DenseRows(const float* const* a, int64_t count, int64_t length, const Panels& panels, const float* packed,
               const float* start, float* const* out, int64_t first_panel, int64_t last_panel) {
  const int64_t zero_offset = 0;
  RowGemm(a, count, Runs{&zero_offset, 1, length}, panels, packed, start, out, first_panel, last_panel);
}

void DenseOuter(const float* const* a, const int64_t* offsets, int64_t k_count, int64_t count, const float* v,
                int64_t v_stride, float* out, int64_t columns, bool accumulate) {
  OuterGemm(a, offsets, k_count, count, v, v_stride, out, columns, accumulate);
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::cpu {

HWY_EXPORT(DenseRows);
HWY_EXPORT(DenseOuter);

namespace {

// out {batch, panels.columns} = in {batch, panels.rows} times the packed matrix.
void multiply_packed(int64_t batch, const float* in, const Panels& panels, const float* packed, const float* bias,
                     float* out) {
  auto* const rows = HWY_DYNAMIC_DISPATCH(DenseRows);
  // A task is one panel against all rows: the weights, far larger than the activations, are read once. Small panels
  // are taken several at a time.
  constexpr int64_t multiply_adds_per_task = 65536;
  const int64_t grain = multiply_adds_per_task / (panels.rows * panels.full_width() * batch + 1) + 1;
  parallel_for(panels.count(), grain, [&](int64_t begin, int64_t end) {
    for (int64_t first = 0; first < batch; first += row_block) {
      const int64_t count = std::min(row_block, batch - first);
      const float* a[row_block];
      float* c[row_block];
      for (int64_t m = 0; m < count; ++m) {
        a[m] = in + (first + m) * panels.rows;
        c[m] = out + (first + m) * panels.columns;
      }
      rows(a, count, panels.rows, panels, packed, bias, c, begin, end);
    }
  });
}

}  // namespace

Dense::Dense(int64_t batch, int64_t channels, int64_t units)
    : batch_(batch),
      channels_(channels),
      units_(units),
      forward_panels_(make_panels(channels, units)),
      gradient_panels_(make_panels(units, channels)),
      ascending_(static_cast<size_t>(std::max(channels, units))) {
  std::iota(ascending_.begin(), ascending_.end(), int64_t{0});
  for (int64_t k = 0; k < units; ++k) unit_starts_.push_back(k * channels);
}

void Dense::load(const float* weight, bool for_input_gradient) {
  packed_forward_.resize(static_cast<size_t>(forward_panels_.floats()));
  pack_panels(forward_panels_, weight, ascending_.data(), unit_starts_.data(), packed_forward_.data());
  if (!for_input_gradient) return;
  packed_gradient_.resize(static_cast<size_t>(gradient_panels_.floats()));
  pack_panels(gradient_panels_, weight, unit_starts_.data(), ascending_.data(), packed_gradient_.data());
}

void Dense::forward(const float* x, const float* bias, float* y) const {
  multiply_packed(batch_, x, forward_panels_, packed_forward_.data(), bias, y);
}

void Dense::input_gradient(const float* dy, float* dx) const {
  multiply_packed(batch_, dy, gradient_panels_, packed_gradient_.data(), nullptr, dx);
}

void Dense::weight_gradient(const float* x, const float* dy, float* dweight, float* dbias) const {
  auto* const outer = HWY_DYNAMIC_DISPATCH(DenseOuter);
  constexpr int64_t samples_per_block = 128;
  constexpr int64_t units_per_task = 16;
  parallel_for(units_, units_per_task, [&](int64_t begin, int64_t end) {
    for (int64_t first = 0; first < batch_; first += samples_per_block) {
      const int64_t count = std::min(samples_per_block, batch_ - first);
      const float* a[samples_per_block];
      for (int64_t m = 0; m < count; ++m) a[m] = dy + (first + m) * units_;
      outer(a, ascending_.data() + begin, end - begin, count, x + first * channels_, channels_,
            dweight + begin * channels_, channels_, first != 0);
    }
    for (int64_t k = begin; dbias && k < end; ++k) {
      float sum = 0;
      for (int64_t n = 0; n < batch_; ++n) sum += dy[n * units_ + k];
      dbias[k] = sum;
    }
  });
}

}  // namespace fovea::cpu
#endif
