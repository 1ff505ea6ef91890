#include "kernels/cpu/bytes.h"

#include "fovea/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/bytes.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/byte_epilogue-inl.h"
#include "kernels/cpu/pool-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

void QuantizeBytes(const ToByte& to, int64_t count, const float* x, uint8_t* y) {
  for_each_vector(count, [&](auto d, int64_t i) HWY_ATTR {
    const hn::RebindToSigned<decltype(d)> di;
    StoreBytes(di, Quantized(d, to, hn::LoadU(d, x + i)), y + i, static_cast<int64_t>(hn::Lanes(d)));
  });
}

template <class D>
HWY_INLINE hn::Vec<D> Dequantized(D d, const Quantization& from, const uint8_t* x) {
  const hn::RebindToSigned<D> di;
  const auto steps = hn::Sub(LoadBytes(di, x, static_cast<int64_t>(hn::Lanes(d))), hn::Set(di, from.zero_point));
  return hn::Mul(hn::ConvertTo(d, steps), hn::Set(d, from.scale));
}

// a: null for zeros.
void DequantizeBytes(const Quantization& from, int64_t count, const float* a, const uint8_t* x, float* y) {
  if (a == nullptr) {
    for_each_vector(count, [&](auto d, int64_t i) HWY_ATTR { hn::StoreU(Dequantized(d, from, x + i), d, y + i); });
  } else {
    for_each_vector(count, [&](auto d, int64_t i) HWY_ATTR {
      hn::StoreU(hn::Add(hn::LoadU(d, a + i), Dequantized(d, from, x + i)), d, y + i);
    });
  }
}

// Output row `row`, counted through all pictures.
void MaxPoolBytes(PoolShape s, int64_t row, const uint8_t* x, uint8_t* y) {
  ForEachWindow(s, row, x, [&](const PoolWindow& window, const uint8_t* from, int64_t to) HWY_ATTR {
    WithExtents(window, [&](auto rows, auto columns) HWY_ATTR {
      const auto pool = [&](auto d, int64_t c) HWY_ATTR {
        auto best = hn::LoadU(d, from + c);
        for (int64_t h = 0; h < rows; ++h) {
          for (int64_t w = 0; w < columns; ++w) {
            best = hn::Max(best, hn::LoadU(d, from + (h * s.width + w) * s.channels + c));
          }
        }
        hn::StoreU(best, d, y + to + c);
      };
      const hn::ScalableTag<uint8_t> whole;
      const hn::CappedTag<uint8_t, 16> block;
      const hn::CappedTag<uint8_t, 1> one;
      int64_t c = 0;
      const auto run = [&](auto d) HWY_ATTR {
        const auto lanes = static_cast<int64_t>(hn::Lanes(d));
        for (; c + lanes <= s.channels; c += lanes) pool(d, c);
      };
      run(whole);
      run(block);
      run(one);
    });
  });
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::cpu {

HWY_EXPORT(QuantizeBytes);
HWY_EXPORT(DequantizeBytes);
HWY_EXPORT(MaxPoolBytes);

namespace {
constexpr int64_t grain = 16384;  // elements per chunk: microseconds of work
}

void quantize(const Quantization& to, int64_t count, const float* x, uint8_t* y) {
  auto* const kernel = HWY_DYNAMIC_DISPATCH(QuantizeBytes);
  const ToByte how(to);
  parallel_for(count, grain, [&](int64_t begin, int64_t end) { kernel(how, end - begin, x + begin, y + begin); });
}

void dequantize(const Quantization& from, int64_t count, const uint8_t* x, float* y) {
  auto* const kernel = HWY_DYNAMIC_DISPATCH(DequantizeBytes);
  parallel_for(count, grain,
               [&](int64_t begin, int64_t end) { kernel(from, end - begin, nullptr, x + begin, y + begin); });
}

void add_dequantized(const Quantization& from, int64_t count, const float* a, const uint8_t* b, float* y) {
  auto* const kernel = HWY_DYNAMIC_DISPATCH(DequantizeBytes);
  parallel_for(count, grain,
               [&](int64_t begin, int64_t end) { kernel(from, end - begin, a + begin, b + begin, y + begin); });
}

void pack_bytes(int64_t count, const float* x, uint8_t* y) { quantize({}, count, x, y); }
void unpack_bytes(int64_t count, const uint8_t* x, float* y) { dequantize({}, count, x, y); }

void max_pool_bytes(const PoolShape& shape, const uint8_t* x, uint8_t* y) {
  auto* const kernel = HWY_DYNAMIC_DISPATCH(MaxPoolBytes);
  constexpr int64_t rows_per_task = 2;
  parallel_for(shape.batch * shape.out_height, rows_per_task, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) kernel(shape, row, x, y);
  });
}

}  // namespace fovea::cpu
#endif
