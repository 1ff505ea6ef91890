#include "kernels/cpu/byte_depthwise.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "fovea/parallel.h"
#include "kernels/cpu/conv.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/byte_depthwise.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/activation-inl.h"
#include "kernels/cpu/byte_dot-inl.h"
#include "kernels/cpu/byte_epilogue-inl.h"

#ifndef FOVEA_KERNELS_CPU_BYTE_DEPTHWISE_ONCE
#define FOVEA_KERNELS_CPU_BYTE_DEPTHWISE_ONCE
namespace fovea::cpu {

constexpr int64_t most_rows = 64;  // of a window
constexpr int64_t rows_per_dot = 4;

// One unit of channels in one row of outputs.
struct DepthwiseRow {
  const uint8_t* rows[most_rows];  // of the windows: their first pixels' first channel
  int64_t kernel_height, kernel_width;
  int64_t column;  // bytes from one tap to the next, and from one window to the next
  int64_t stride;
  int64_t pixels;    // of the row
  int64_t channels;  // of the unit that exist
  const int32_t* weights;
  const int32_t* start;
  const float* scale;
  uint8_t* out;
  int64_t out_pixel;  // bytes
};

}  // namespace fovea::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int vectors = DepthwiseUnits::vectors;

int64_t IntLanes() { return static_cast<int64_t>(hn::Lanes(hn::ScalableTag<int32_t>())); }

// Bytes of up to four rows at one place, channel by channel: in lane after lane of the unit's vectors.
template <class DI, class V = hn::Vec<DI>>
HWY_INLINE void Interleave(DI di, const uint8_t* const* rows, int64_t count, int64_t offset, V* out) {
#if HWY_TARGET == HWY_SCALAR
  for (int j = 0; j < vectors; ++j) {
    uint32_t four = 0;
    for (int64_t r = 0; r < count; ++r) four |= uint32_t{rows[r][offset + j]} << (8 * r);
    out[j] = hn::Set(di, static_cast<int32_t>(four));
  }
#else
  const hn::Repartition<uint8_t, DI> d8;
  const hn::Repartition<uint16_t, DI> d16;
  const auto row = [&](int64_t r) HWY_ATTR { return r < count ? hn::LoadU(d8, rows[r] + offset) : hn::Zero(d8); };
  const auto r0 = row(0);
  const auto r1 = row(1);
  const auto r2 = row(2);
  const auto r3 = row(3);
  const auto lower01 = hn::BitCast(d16, hn::InterleaveLower(d8, r0, r1));
  const auto upper01 = hn::BitCast(d16, hn::InterleaveUpper(d8, r0, r1));
  const auto lower23 = hn::BitCast(d16, hn::InterleaveLower(d8, r2, r3));
  const auto upper23 = hn::BitCast(d16, hn::InterleaveUpper(d8, r2, r3));
  out[0] = hn::BitCast(di, hn::InterleaveLower(d16, lower01, lower23));
  out[1] = hn::BitCast(di, hn::InterleaveUpper(d16, lower01, lower23));
  out[2] = hn::BitCast(di, hn::InterleaveLower(d16, upper01, upper23));
  out[3] = hn::BitCast(di, hn::InterleaveUpper(d16, upper01, upper23));
#endif
}

// Whole numbers from 0 to 255, in the places of a unit, as bytes in the order of channels.
template <class DI, class V = hn::Vec<DI>>
HWY_INLINE void StoreUnit(DI /*di*/, const V* whole, int64_t channels, uint8_t* out) {
#if HWY_TARGET == HWY_SCALAR
  for (int64_t c = 0; c < std::min<int64_t>(channels, vectors); ++c) {
    out[c] = static_cast<uint8_t>(hn::GetLane(whole[c]));
  }
#else
  const auto low = hn::Or(whole[0], hn::ShiftLeft<8>(whole[1]));
  const auto high = hn::Or(hn::ShiftLeft<16>(whole[2]), hn::ShiftLeft<24>(whole[3]));
  const hn::Repartition<uint8_t, DI> d8;
  alignas(16) static constexpr uint8_t columns[16] = {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};
  const auto bytes = hn::TableLookupBytes(hn::BitCast(d8, hn::Or(low, high)), hn::LoadDup128(d8, columns));
  const auto width = static_cast<int64_t>(hn::Lanes(d8));
  if (channels >= width) return hn::StoreU(bytes, d8, out);
  uint8_t all[HWY_LANES(uint8_t)];
  hn::StoreU(bytes, d8, all);
  std::memcpy(out, all, static_cast<size_t>(channels));
#endif
}

// Floats in the places of a unit, in the order of channels.
template <class D, class V = hn::Vec<D>>
HWY_INLINE void StoreUnitReal(D d, const V* real, int64_t channels, float* out) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  float places[HWY_LANES(float) * vectors];
  for (int j = 0; j < vectors; ++j) hn::StoreU(real[j], d, places + j * lanes);
  for (int64_t c = 0; c < std::min(channels, vectors * lanes); ++c) out[c] = places[DepthwiseUnits::place(lanes, c)];
}

// What becomes of the sums of one window.
template <class DI, class V = hn::Vec<DI>>
HWY_INLINE void FinishUnit(DI di, const int32_t* sums, const DepthwiseRow& row, const ByteEpilogue& epilogue,
                           const ToByte& to, int64_t pixel) {
  const hn::RebindToFloat<DI> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const Clamp clamp = clamp_of(epilogue.activation);
  hn::Vec<decltype(d)> real[vectors];
  for (int j = 0; j < vectors; ++j) {
    real[j] = hn::Mul(hn::ConvertTo(d, hn::LoadU(di, sums + j * lanes)), hn::LoadU(d, row.scale + j * lanes));
  }
  if (!is_clamp(epilogue.activation)) {
    float places[HWY_LANES(float) * vectors];
    for (int j = 0; j < vectors; ++j) hn::StoreU(real[j], d, places + j * lanes);
    ActivateRow(epilogue.activation, epilogue.alpha, vectors * lanes, places, places);
    for (int j = 0; j < vectors; ++j) real[j] = hn::LoadU(d, places + j * lanes);
  }
  uint8_t* const out = row.out + pixel * row.out_pixel;
  if (!epilogue.output) {
    for (auto& value : real) value = ClampVector(d, clamp, value);
    return StoreUnitReal(d, real, row.channels, reinterpret_cast<float*>(out));
  }
  V whole[vectors];
  for (int j = 0; j < vectors; ++j) whole[j] = Quantized(d, to, real[j]);
  StoreUnit(di, whole, row.channels, out);
}

// `pixels` windows beside each other, which are `kernel` high and wide, `stride` apart; kernel 0: what the row says, of
// one window.
template <bool instruction, int kernel, int stride, int pixels, class DI>
HWY_INLINE void Windows(DI di, const DepthwiseRow& row, int64_t first, const ByteEpilogue& epilogue, const ToByte& to) {
  using V = hn::Vec<DI>;
  const auto lanes = static_cast<int64_t>(hn::Lanes(di));
  const int64_t height = kernel > 0 ? kernel : row.kernel_height;
  const int64_t groups = (height + rows_per_dot - 1) / rows_per_dot;
  V sum[pixels][vectors];
  FOVEA_UNROLL
  for (int j = 0; j < vectors; ++j) {
    FOVEA_UNROLL
    for (int p = 0; p < pixels; ++p) sum[p][j] = hn::LoadU(di, row.start + j * lanes);
  }
  const auto add_column = [&](int64_t column, int64_t group, const auto& each_window) HWY_ATTR {
    V bytes[vectors];
    Interleave(di, row.rows + group * rows_per_dot, std::min(rows_per_dot, height - group * rows_per_dot),
               first * row.stride + column * row.column, bytes);
    each_window([&](int p, int64_t tap) HWY_ATTR {
      const int32_t* const weights = row.weights + (tap * groups + group) * vectors * lanes;
      FOVEA_UNROLL
      for (int j = 0; j < vectors; ++j) {
        sum[p][j] = AddDot<instruction>(di, sum[p][j], bytes[j], hn::LoadU(di, weights + j * lanes));
      }
    });
  };
  if constexpr (kernel > 0) {
    FOVEA_UNROLL
    for (int column = 0; column < (pixels - 1) * stride + kernel; ++column) {
      FOVEA_UNROLL
      for (int group = 0; group < (kernel + 3) / 4; ++group) {
        add_column(column, group, [&](const auto& window) HWY_ATTR {
          FOVEA_UNROLL
          for (int p = 0; p < pixels; ++p) {
            const int tap = column - p * stride;
            if (tap >= 0 && tap < kernel) window(p, tap);
          }
        });
      }
    }
  } else {
    for (int64_t column = 0; column < row.kernel_width; ++column) {
      for (int64_t group = 0; group < groups; ++group) {
        add_column(column, group, [&](const auto& window) HWY_ATTR { window(0, column); });
      }
    }
  }
  int32_t sums[pixels][HWY_LANES(int32_t) * vectors];
  FOVEA_UNROLL
  for (int p = 0; p < pixels; ++p) {
    FOVEA_UNROLL
    for (int j = 0; j < vectors; ++j) hn::StoreU(sum[p][j], di, sums[p] + j * lanes);
  }
  for (int p = 0; p < pixels; ++p) FinishUnit(di, sums[p], row, epilogue, to, first + p);
}

template <bool instruction, int kernel, int stride, class DI>
void RowOfWindows(DI di, const DepthwiseRow& row, const ByteEpilogue& epilogue, const ToByte& to) {
  constexpr int together = kernel > 0 ? 4 : 1;
  int64_t first = 0;
  for (; first + together <= row.pixels; first += together) {
    Windows<instruction, kernel, stride, together>(di, row, first, epilogue, to);
  }
  for (; first < row.pixels; ++first) Windows<instruction, kernel, stride, 1>(di, row, first, epilogue, to);
}

// step: pixels from one window to the next; 0: taps are not neighbours.
template <class DI>
void DepthwiseUnitRow(DI di, const DepthwiseRow& row, int64_t step, const ByteEpilogue& epilogue, const ToByte& to) {
  const bool is_square = row.kernel_height == row.kernel_width;
  WithByteInstruction([&](auto instruction) HWY_ATTR {
    if (is_square && row.kernel_width == 3 && step == 1) return RowOfWindows<instruction, 3, 1>(di, row, epilogue, to);
    if (is_square && row.kernel_width == 3 && step == 2) return RowOfWindows<instruction, 3, 2>(di, row, epilogue, to);
    if (is_square && row.kernel_width == 5 && step == 1) return RowOfWindows<instruction, 5, 1>(di, row, epilogue, to);
    RowOfWindows<instruction, 0, 1>(di, row, epilogue, to);
  });
}

void DepthwiseUnitRows(const DepthwiseRow& row, int64_t lanes, int64_t step, const ByteEpilogue& epilogue) {
  const ToByte to(epilogue.output.value_or(Quantization{}), clamp_of(epilogue.activation));
  const hn::ScalableTag<int32_t> widest;
  if (lanes == static_cast<int64_t>(hn::Lanes(widest))) return DepthwiseUnitRow(widest, row, step, epilogue, to);
#if HWY_TARGET != HWY_SCALAR
  if (lanes == 8) return DepthwiseUnitRow(hn::CappedTag<int32_t, 8>(), row, step, epilogue, to);
  DepthwiseUnitRow(hn::CappedTag<int32_t, 4>(), row, step, epilogue, to);
#endif
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::cpu {

HWY_EXPORT(IntLanes);
HWY_EXPORT(DepthwiseUnitRows);

bool ByteDepthwise::suits(const ConvShape& s) {
  return s.is_flat() && s.is_depthwise() && s.kernel_height <= most_rows;
}

ByteDepthwise::ByteDepthwise(const ConvShape& shape, const Quantization& from)
    : shape_(shape),
      from_(from),
      padding_(padding_of(shape)),
      units_{.channels = shape.channels, .lanes = HWY_DYNAMIC_DISPATCH(IntLanes)()} {}

void ByteDepthwise::load(const ByteWeights& from) {
  const ConvShape& s = shape_;
  const int64_t groups = (s.kernel_height + rows_per_dot - 1) / rows_per_dot;
  const int64_t dots = s.kernel_width * groups;
  weights_.assign(static_cast<size_t>(units_.padded() * dots), 0);
  start_.assign(static_cast<size_t>(units_.padded()), 0);
  scale_.assign(static_cast<size_t>(units_.padded()), 0);
  for (int64_t channel = 0; channel < s.channels; ++channel) {
    const int64_t unit = channel / units_.width();
    const int64_t lanes = units_.lanes_of(unit);
    const int64_t place = DepthwiseUnits::place(lanes, channel % units_.width());
    start_[static_cast<size_t>(unit * units_.width() + place)] = from.start[static_cast<size_t>(channel)];
    scale_[static_cast<size_t>(unit * units_.width() + place)] = from.scale[static_cast<size_t>(channel)];
    int32_t* const to = weights_.data() + unit * units_.width() * dots + place;
    const int8_t* const filter = from.values.data() + channel * s.taps();
    for (int64_t column = 0; column < s.kernel_width; ++column) {
      for (int64_t row = 0; row < s.kernel_height; ++row) {
        const auto byte = static_cast<uint8_t>(filter[row * s.kernel_width + column]);
        int32_t& four = to[(column * groups + row / rows_per_dot) * DepthwiseUnits::vectors * lanes];
        four = static_cast<int32_t>(static_cast<uint32_t>(four) | uint32_t{byte} << (8 * (row % rows_per_dot)));
      }
    }
  }
}

size_t ByteDepthwise::scratch() const {
  return padding_.none() ? 0 : floats_for_bytes(static_cast<int64_t>(padding_.elements()));
}

void ByteDepthwise::forward(const uint8_t* x, const ByteEpilogue& epilogue, const void* /*residual*/, void* y,
                            float* scratch) const {
  const ConvShape& s = shape_;
  const uint8_t* const in =
      padding_.padded(x, reinterpret_cast<uint8_t*>(scratch), static_cast<uint8_t>(from_.zero_point));
  const int64_t dots = s.kernel_width * ((s.kernel_height + rows_per_dot - 1) / rows_per_dot);
  const int64_t pitch = s.padded_width() * s.channels;
  auto* const kernel = HWY_DYNAMIC_DISPATCH(DepthwiseUnitRows);
  constexpr int64_t elements_per_task = 16384;
  const int64_t grain = elements_per_task / (s.out_width * s.channels) + 1;
  parallel_for(s.batch * s.out_height, grain, [&](int64_t begin, int64_t end) {
    DepthwiseRow row = {.rows = {},
                        .kernel_height = s.kernel_height,
                        .kernel_width = s.kernel_width,
                        .column = s.dilation_width * s.channels,
                        .stride = s.stride_width * s.channels,
                        .pixels = s.out_width,
                        .channels = 0,
                        .weights = nullptr,
                        .start = nullptr,
                        .scale = nullptr,
                        .out = nullptr,
                        .out_pixel = s.out_pixel() * epilogue.output_size()};
    for (int64_t unit = 0; unit < units_.count(); ++unit) {
      const int64_t channel = unit * units_.width();
      row.channels = s.channels - channel;
      row.weights = weights_.data() + channel * dots;
      row.start = start_.data() + channel;
      row.scale = scale_.data() + channel;
      for (int64_t i = begin; i < end; ++i) {
        const int64_t top = i / s.out_height * s.padded_height() + i % s.out_height * s.stride_height;
        for (int64_t a = 0; a < s.kernel_height; ++a) {
          row.rows[a] = in + (top + a * s.dilation_height) * pitch + channel;
        }
        row.out = static_cast<uint8_t*>(y) + i * s.out_width * row.out_pixel + channel * epilogue.output_size();
        kernel(row, units_.lanes_of(unit), s.dilation_width == 1 ? s.stride_width : 0, epilogue);
      }
    }
  });
}

}  // namespace fovea::cpu
#endif
