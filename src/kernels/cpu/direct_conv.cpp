#include "kernels/cpu/direct_conv.h"

#include <algorithm>

#include "fovea/parallel.h"
#include "kernels/cpu/panels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/direct_conv.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/activation-inl.h"
#include "kernels/cpu/planes-inl.h"

#ifndef FOVEA_KERNELS_CPU_DIRECT_CONV_ONCE_
#define FOVEA_KERNELS_CPU_DIRECT_CONV_ONCE_
namespace fovea::cpu {

// A position counts the pixels of a padded plane; position p is the output whose window starts there.
constexpr int64_t forward_block = 512;     // positions computed before they are interleaved
constexpr int64_t gradient_floats = 8192;  // of output gradients laid out in planes at a time: half the first cache
constexpr int64_t vector_multiple = 64;    // blocks are whole vectors of any instruction set

struct DirectLoops {
  int64_t pitch;      // floats from one row of a plane to the next
  int64_t out_width;  // positions of a row that are outputs
  int64_t filters;
  const int64_t* tap_offsets;
  int64_t taps;

  int64_t gradient_block() const { return gradient_floats / filters / vector_multiple * vector_multiple; }
};

// Calls f(position, output pixel, count) for the runs of outputs among the positions [first, last).
template <class F>
void for_each_run(const DirectLoops& loops, int64_t first, int64_t last, const F& f) {
  for (int64_t row = first / loops.pitch; row * loops.pitch < last; ++row) {
    const int64_t begin = std::max(first, row * loops.pitch);
    const int64_t end = std::min(last, row * loops.pitch + loops.out_width);
    if (begin < end) f(begin, row * loops.out_width + begin - row * loops.pitch, end - begin);
  }
}

}  // namespace fovea::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using DirectTag = hn::ScalableTag<float>;

// Calls f(first, number) with the number `most` while that many fit, then with one less, down to one.
template <int most, class F>
HWY_INLINE void for_each_tile(int64_t begin, int64_t end, const F& f) {
  for (; begin + most <= end; begin += most) f(begin, std::integral_constant<int, most>());
  if constexpr (most > 1) for_each_tile<most - 1>(begin, end, f);
}

// Lays out one picture, whose planes are zero.
void DirectPlanes(const ConvShape& s, const float* x, float* planes) {
  for (int64_t i = 0; i < s.height; ++i) {
    PixelsToPlanes(s.width, s.channels, x + i * s.width * s.channels, s.channels,
                   planes + (i + s.top) * s.padded_width() + s.left, s.padded_height() * s.padded_width());
  }
}

// out[f][p] for `filters` filters and two vectors of positions: 12 of AVX2's 16 registers hold sums.
template <int filters>
HWY_INLINE void DirectTile(const DirectLoops& loops, const float* HWY_RESTRICT x, const float* HWY_RESTRICT weight,
                           const float* HWY_RESTRICT bias, float* HWY_RESTRICT out) {
  const DirectTag d;
  const size_t lanes = hn::Lanes(d);
  hn::Vec<DirectTag> sum[filters][2];
  for (int f = 0; f < filters; ++f) sum[f][0] = sum[f][1] = hn::Set(d, bias ? bias[f] : 0.0F);
  for (int64_t t = 0; t < loops.taps; ++t) {
    const auto first = hn::LoadU(d, x + loops.tap_offsets[t]);
    const auto second = hn::LoadU(d, x + loops.tap_offsets[t] + lanes);
    for (int f = 0; f < filters; ++f) {
      const auto w = hn::Set(d, weight[f * loops.taps + t]);
      sum[f][0] = hn::MulAdd(w, first, sum[f][0]);
      sum[f][1] = hn::MulAdd(w, second, sum[f][1]);
    }
  }
  for (int f = 0; f < filters; ++f) {
    hn::StoreU(sum[f][0], d, out + f * forward_block);
    hn::StoreU(sum[f][1], d, out + f * forward_block + lanes);
  }
}

// Positions [first, last), at most forward_block, of one picture.
void DirectForward(const DirectLoops& loops, int64_t first, int64_t last, const float* planes, const float* weight,
                   const Epilogue& epilogue, float* y) {
  constexpr int tile_filters = 6;
  const auto step = static_cast<int64_t>(2 * hn::Lanes(DirectTag()));
  HWY_ALIGN float out[tile_filters * forward_block];
  for_each_tile<tile_filters>(0, loops.filters, [&](int64_t f, auto filters) HWY_ATTR {
    for (int64_t p = first; p < last; p += step) {
      DirectTile<filters>(loops, planes + p, weight + f * loops.taps, epilogue.bias ? epilogue.bias + f : nullptr,
                          out + p - first);
    }
    for_each_run(loops, first, last, [&](int64_t p, int64_t pixel, int64_t count) HWY_ATTR {
      PlanesToPixels(count, filters, out + p - first, forward_block, y + pixel * loops.filters + f, loops.filters);
    });
  });
  if (epilogue.activation == Pointwise::identity) return;
  for_each_run(loops, first, last, [&](int64_t, int64_t pixel, int64_t count) HWY_ATTR {
    float* const row = y + pixel * loops.filters;
    const int64_t size = count * loops.filters;
    ActivateRow(epilogue.activation, epilogue.alpha, size, row, row);
  });
}

// sums[f][t] += sum over p of dy[f][p] x[offset of t + p], each sum a vector; count is a multiple of the lanes.
template <int filters, int taps>
HWY_INLINE void DirectOuterTile(const DirectLoops& loops, const float* HWY_RESTRICT x, const int64_t* tap_offsets,
                                const float* HWY_RESTRICT dy, int64_t count, float* HWY_RESTRICT sums) {
  const DirectTag d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t pitch = loops.gradient_block();
  const float* shifted[taps];
  for (int t = 0; t < taps; ++t) shifted[t] = x + tap_offsets[t];
  hn::Vec<DirectTag> sum[filters][taps];
  for (int f = 0; f < filters; ++f) {
    for (int t = 0; t < taps; ++t) sum[f][t] = hn::LoadU(d, sums + (f * loops.taps + t) * lanes);
  }
  for (int64_t p = 0; p < count; p += lanes) {
    hn::Vec<DirectTag> value[taps];
    for (int t = 0; t < taps; ++t) value[t] = hn::LoadU(d, shifted[t] + p);
    for (int f = 0; f < filters; ++f) {
      const auto gradient = hn::Load(d, dy + f * pitch + p);
      for (int t = 0; t < taps; ++t) sum[f][t] = hn::MulAdd(gradient, value[t], sum[f][t]);
    }
  }
  for (int f = 0; f < filters; ++f) {
    for (int t = 0; t < taps; ++t) hn::StoreU(sum[f][t], d, sums + (f * loops.taps + t) * lanes);
  }
}

// Adds the shares of positions [first, last), at most gradient_block(), of one picture to sums
// [filters][taps][lanes], and those of the biases to the [filters][lanes] behind them.
void DirectWeightGradient(const DirectLoops& loops, int64_t first, int64_t last, const float* planes, const float* dy,
                          float* sums) {
  const DirectTag d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t pitch = loops.gradient_block();
  HWY_ALIGN float gradients[gradient_floats];
  std::fill_n(gradients, loops.filters * pitch, 0.0F);  // what straddles two rows counts for nothing
  for_each_run(loops, first, last, [&](int64_t p, int64_t pixel, int64_t count) HWY_ATTR {
    PixelsToPlanes(count, loops.filters, dy + pixel * loops.filters, loops.filters, gradients + p - first, pitch);
  });
  const int64_t count = (last - first + lanes - 1) / lanes * lanes;
  constexpr int tile_filters = HWY_TARGET <= HWY_AVX3 ? 6 : 3;  // times 4 taps: sums in 24 of 32 or 12 of 16 registers
  for_each_tile<4>(0, loops.taps, [&](int64_t t, auto taps) HWY_ATTR {
    for_each_tile<tile_filters>(0, loops.filters, [&](int64_t f, auto filters) HWY_ATTR {
      DirectOuterTile<filters, taps>(loops, planes + first, loops.tap_offsets + t, gradients + f * pitch, count,
                                     sums + (f * loops.taps + t) * lanes);
    });
  });
  float* const bias = sums + loops.filters * loops.taps * lanes;
  for (int64_t f = 0; f < loops.filters; ++f) {
    auto sum = hn::LoadU(d, bias + f * lanes);
    for (int64_t p = 0; p < count; p += lanes) sum = hn::Add(sum, hn::LoadU(d, gradients + f * pitch + p));
    hn::StoreU(sum, d, bias + f * lanes);
  }
}

// out[k] = sum over parts and lanes of parts[part][k][lane].
void DirectSumParts(const float* parts, int64_t partitions, int64_t count, float* out) {
  const DirectTag d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t k = 0; k < count; ++k) {
    auto sum = hn::LoadU(d, parts + k * lanes);
    for (int64_t part = 1; part < partitions; ++part) {
      sum = hn::Add(sum, hn::LoadU(d, parts + (part * count + k) * lanes));
    }
    out[k] = hn::GetLane(hn::SumOfLanes(d, sum));
  }
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::cpu {

HWY_EXPORT(DirectPlanes);
HWY_EXPORT(DirectForward);
HWY_EXPORT(DirectWeightGradient);
HWY_EXPORT(DirectSumParts);

// Measured: with 16 filters, whose vectors are full, the matrix multiplication is faster; with 8 filters this is, by
// little when there are 8 channels too.
bool DirectConv::suits(const ConvShape& s) {
  return s.is_flat() && s.groups == 1 && s.stride_height == 1 && s.stride_width == 1 && s.filters <= 8 &&
         s.channels <= 8;
}

DirectConv::DirectConv(const ConvShape& shape, bool input_gradient, bool weight_gradient)
    : shape_(shape),
      weight_gradient_(weight_gradient),
      lanes_(float_lanes()),
      partitions_(std::min<int64_t>(shape.batch, 16)) {
  if (input_gradient) input_gradient_.emplace(shape);
  const ConvShape& s = shape_;
  for (int64_t c = 0; c < s.channels; ++c) {
    for (int64_t a = 0; a < s.kernel_height; ++a) {
      for (int64_t b = 0; b < s.kernel_width; ++b) {
        tap_offsets_.push_back((c * s.padded_height() + a * s.dilation_height) * s.padded_width() +
                               b * s.dilation_width);
      }
    }
  }
}

DirectLoops DirectConv::loops() const {
  return {.pitch = shape_.padded_width(),
          .out_width = shape_.out_width,
          .filters = shape_.filters,
          .tap_offsets = tap_offsets_.data(),
          .taps = static_cast<int64_t>(tap_offsets_.size())};
}

// Vectors read up to two of themselves beyond the last picture.
size_t DirectConv::planes_floats() const { return static_cast<size_t>(shape_.batch * picture_floats() + 2 * lanes_); }

void DirectConv::make_planes(const float* x, float* planes) const {
  const ConvShape& s = shape_;
  auto* const lay_out = HWY_DYNAMIC_DISPATCH(DirectPlanes);
  parallel_for(s.batch, 1, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      float* const picture = planes + n * picture_floats();
      if (s.is_padded()) std::fill_n(picture, picture_floats(), 0.0F);
      lay_out(s, x + n * s.height * s.width * s.channels, picture);
    }
  });
  std::fill_n(planes + s.batch * picture_floats(), 2 * lanes_, 0.0F);
}

void DirectConv::load(const float* weight) {
  weight_ = weight;
  if (input_gradient_) input_gradient_->load(weight);
}

size_t DirectConv::scratch() const {
  const size_t sums = weight_gradient_ ? static_cast<size_t>(partitions_ * this->sums() * lanes_ + this->sums()) : 0;
  return std::max(planes_floats() + sums, input_gradient_ ? input_gradient_->scratch() : 0);
}

void DirectConv::forward(const float* x, const Epilogue& epilogue, float* y, float* scratch) const {
  const ConvShape& s = shape_;
  const DirectLoops loops = this->loops();
  make_planes(x, scratch);
  auto* const compute = HWY_DYNAMIC_DISPATCH(DirectForward);
  const int64_t blocks = (positions() + forward_block - 1) / forward_block;
  parallel_for(s.batch * blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t n = task / blocks;
      const int64_t first = task % blocks * forward_block;
      const int64_t picture = n * s.out_height * s.out_width * s.filters;
      compute(loops, first, std::min(first + forward_block, positions()), scratch + n * picture_floats(), weight_,
              epilogue, y + picture);
    }
  });
}

void DirectConv::weight_gradient(const float* x, const float* dy, float* dweight, float* dbias, float* scratch) const {
  const ConvShape& s = shape_;
  const DirectLoops loops = this->loops();
  make_planes(x, scratch);
  float* const parts = scratch + planes_floats();
  const int64_t part_floats = sums() * lanes_;
  auto* const add = HWY_DYNAMIC_DISPATCH(DirectWeightGradient);
  parallel_for(partitions_, 1, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; ++part) {
      std::fill_n(parts + part * part_floats, part_floats, 0.0F);
      for (int64_t n = part * s.batch / partitions_; n < (part + 1) * s.batch / partitions_; ++n) {
        for (int64_t first = 0; first < positions(); first += loops.gradient_block()) {
          add(loops, first, std::min(first + loops.gradient_block(), positions()), scratch + n * picture_floats(),
              dy + n * s.out_height * s.out_width * s.filters, parts + part * part_floats);
        }
      }
    }
  });
  float* const totals = parts + partitions_ * part_floats;
  HWY_DYNAMIC_DISPATCH(DirectSumParts)(parts, partitions_, sums(), totals);
  std::copy_n(totals, sums() - s.filters, dweight);
  if (dbias) std::copy_n(totals + sums() - s.filters, s.filters, dbias);
}

}  // namespace fovea::cpu
#endif
