#include "kernels/cpu/depthwise.h"

#include <algorithm>

#include "fovea/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/depthwise.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/activation-inl.h"
#include "kernels/cpu/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The taps of a window that fall inside the picture, for one output row and column.
struct TapRange {
  int64_t first, last;
};

HWY_INLINE TapRange taps_inside(int64_t start, int64_t dilation, int64_t kernel, int64_t extent) {
  const int64_t first = start < 0 ? (-start + dilation - 1) / dilation : 0;
  const int64_t last = start < extent ? std::min(kernel, (extent - start + dilation - 1) / dilation) : 0;
  return {first, std::max(first, last)};
}

// Calls visit(offset of the input pixel, offset of the tap's weights) for the taps of output pixel (n, i, j) that lie
// inside the picture.
template <class Visit>
HWY_INLINE void for_each_tap(const ConvShape& s, int64_t n, int64_t i, int64_t j, const Visit& visit) {
  const int64_t row = i * s.stride_height - s.top;
  const int64_t column = j * s.stride_width - s.left;
  const TapRange rows = taps_inside(row, s.dilation_height, s.kernel_height, s.height);
  const TapRange columns = taps_inside(column, s.dilation_width, s.kernel_width, s.width);
  for (int64_t a = rows.first; a < rows.last; ++a) {
    const int64_t line = (n * s.height + row + a * s.dilation_height) * s.width;
    for (int64_t b = columns.first; b < columns.last; ++b) {
      visit((line + column + b * s.dilation_width) * s.channels, (a * s.kernel_width + b) * s.channels);
    }
  }
}

void DepthwiseRow(const ConvShape& s, int64_t n, int64_t i, const float* x, const float* weights,
                  const Epilogue& epilogue, float* y) {
  const Clamp clamp = clamp_of(epilogue.activation);
  for (int64_t j = 0; j < s.out_width; ++j) {
    const int64_t first = ((n * s.out_height + i) * s.out_width + j) * s.channels;
    for_each_vector(s.channels, [&](auto d, int64_t c) HWY_ATTR {
      auto sum = epilogue.bias ? hn::LoadU(d, epilogue.bias + c) : hn::Zero(d);
      for_each_tap(s, n, i, j, [&](int64_t pixel, int64_t tap) HWY_ATTR {
        sum = hn::MulAdd(hn::LoadU(d, x + pixel + c), hn::LoadU(d, weights + tap + c), sum);
      });
      if (epilogue.residual) sum = hn::Add(sum, hn::LoadU(d, epilogue.residual + first + c));
      hn::StoreU(ClampVector(d, clamp, sum), d, y + first + c);
    });
  }
  if (is_clamp(epilogue.activation)) return;
  float* const row = y + (n * s.out_height + i) * s.out_width * s.channels;
  ActivateRow(epilogue.activation, epilogue.alpha, s.out_width * s.channels, row, row);
}

// Adds picture n's output gradients into its input gradient.
void DepthwiseInputGradient(const ConvShape& s, int64_t n, const float* dy, const float* weights, float* dx) {
  for (int64_t i = 0; i < s.out_height; ++i) {
    for (int64_t j = 0; j < s.out_width; ++j) {
      const float* const gradient = dy + ((n * s.out_height + i) * s.out_width + j) * s.channels;
      for_each_tap(s, n, i, j, [&](int64_t pixel, int64_t tap) HWY_ATTR {
        for_each_vector(s.channels, [&](auto d, int64_t c) HWY_ATTR {
          const auto product = hn::Mul(hn::LoadU(d, gradient + c), hn::LoadU(d, weights + tap + c));
          hn::StoreU(hn::Add(hn::LoadU(d, dx + pixel + c), product), d, dx + pixel + c);
        });
      });
    }
  }
}

// Adds picture n's share to part, [taps + 1][channels]; the last row is the bias.
void DepthwiseWeightGradient(const ConvShape& s, int64_t n, const float* x, const float* dy, float* part) {
  for (int64_t i = 0; i < s.out_height; ++i) {
    for (int64_t j = 0; j < s.out_width; ++j) {
      const float* const gradient = dy + ((n * s.out_height + i) * s.out_width + j) * s.channels;
      for_each_tap(s, n, i, j, [&](int64_t pixel, int64_t tap) HWY_ATTR {
        for_each_vector(s.channels, [&](auto d, int64_t c) HWY_ATTR {
          const auto sum = hn::LoadU(d, part + tap + c);
          hn::StoreU(hn::MulAdd(hn::LoadU(d, gradient + c), hn::LoadU(d, x + pixel + c), sum), d, part + tap + c);
        });
      });
      float* const bias = part + s.taps() * s.channels;
      for_each_vector(s.channels, [&](auto d, int64_t c) HWY_ATTR {
        hn::StoreU(hn::Add(hn::LoadU(d, bias + c), hn::LoadU(d, gradient + c)), d, bias + c);
      });
    }
  }
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::cpu {

HWY_EXPORT(DepthwiseRow);
HWY_EXPORT(DepthwiseInputGradient);
HWY_EXPORT(DepthwiseWeightGradient);

Depthwise::Depthwise(const ConvShape& shape)
    : shape_(shape), weights_(static_cast<size_t>(shape.taps() * shape.channels)) {}

void Depthwise::load(const float* weight) {
  for (int64_t c = 0; c < shape_.channels; ++c) {
    for (int64_t tap = 0; tap < shape_.taps(); ++tap) {
      weights_[static_cast<size_t>(tap * shape_.channels + c)] = weight[c * shape_.taps() + tap];
    }
  }
}

void Depthwise::forward(const float* x, const Epilogue& epilogue, float* y) const {
  auto* const row = HWY_DYNAMIC_DISPATCH(DepthwiseRow);
  parallel_for(shape_.batch * shape_.out_height, 2, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      row(shape_, r / shape_.out_height, r % shape_.out_height, x, weights_.data(), epilogue, y);
    }
  });
}

void Depthwise::input_gradient(const float* dy, float* dx) const {
  auto* const add = HWY_DYNAMIC_DISPATCH(DepthwiseInputGradient);
  parallel_for(shape_.batch, 1, [&](int64_t begin, int64_t end) {
    const int64_t picture = shape_.height * shape_.width * shape_.channels;
    std::fill_n(dx + begin * picture, (end - begin) * picture, 0.0F);
    for (int64_t n = begin; n < end; ++n) add(shape_, n, dy, weights_.data(), dx);
  });
}

size_t Depthwise::weight_gradient_scratch() const {
  return static_cast<size_t>(shape_.batch * (shape_.taps() + 1) * shape_.channels);
}

void Depthwise::weight_gradient(const float* x, const float* dy, float* dweight, float* dbias, float* scratch) const {
  auto* const add = HWY_DYNAMIC_DISPATCH(DepthwiseWeightGradient);
  const int64_t channels = shape_.channels;
  const int64_t part_size = (shape_.taps() + 1) * channels;
  parallel_for(shape_.batch, 1, [&](int64_t begin, int64_t end) {
    std::fill_n(scratch + begin * part_size, (end - begin) * part_size, 0.0F);
    for (int64_t n = begin; n < end; ++n) add(shape_, n, x, dy, scratch + n * part_size);
  });
  for (int64_t n = 1; n < shape_.batch; ++n) {
    for (int64_t k = 0; k < part_size; ++k) scratch[k] += scratch[n * part_size + k];
  }
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t tap = 0; tap < shape_.taps(); ++tap) dweight[c * shape_.taps() + tap] = scratch[tap * channels + c];
    if (dbias) dbias[c] = scratch[shape_.taps() * channels + c];
  }
}

}  // namespace fovea::cpu
#endif
