#include "kernels/cpu/byte_gemm.h"

#include <algorithm>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/byte_gemm.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/activation-inl.h"
#include "kernels/cpu/byte_dot-inl.h"
#include "kernels/cpu/byte_epilogue-inl.h"

// The register tile of gemm.cpp with four bytes in the place of a float.
HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// One panel of b and what becomes of its sums.
struct BytePanel {
  const int8_t* weights;
  const int32_t* start;
  const float* scale;
  int64_t column = 0;      // its first, in the residual
  int64_t out_column = 0;  // and in the output
  int64_t columns = 0;     // that exist
  const ByteEpilogue* epilogue = nullptr;
  Clamp clamp = {};
};

// Where a tile's sums go: bytes, or floats.
struct StoreQuantized {
  ToByte to;
  template <class D, class V = hn::Vec<D>>
  HWY_INLINE void operator()(D d, const BytePanel& /*panel*/, V v, uint8_t* out, int64_t first, int64_t columns) const {
    const hn::RebindToSigned<D> di;
    StoreBytes(di, Quantized(d, to, v), out + first, columns);
  }
};
struct StoreReal {
  template <class D, class V = hn::Vec<D>>
  HWY_INLINE void operator()(D d, const BytePanel& panel, V v, uint8_t* out, int64_t first, int64_t columns) const {
    StoreColumns(d, ClampVector(d, panel.clamp, v), reinterpret_cast<float*>(out) + first, columns);
  }
};

template <bool instruction, int rows, int vectors, class D, class Store>
HWY_INLINE void ByteTile(D d, const uint8_t* const* HWY_RESTRICT a, int64_t first, const Runs& runs,
                         const BytePanel& panel, const uint8_t* const* residual, uint8_t* const* out,
                         const Store& store) {
  const hn::RebindToSigned<D> di;
  using VI = hn::Vec<decltype(di)>;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  VI sum[rows][vectors];
  FOVEA_UNROLL
  for (int v = 0; v < vectors; ++v) {
    const VI start = hn::LoadU(di, panel.start + v * lanes);
    FOVEA_UNROLL
    for (int m = 0; m < rows; ++m) sum[m][v] = start;
  }
  const auto* weights = reinterpret_cast<const int32_t*>(panel.weights);
  const int64_t dots = dots_of(runs.length);
  for (int64_t r = 0; r < runs.count; ++r) {
    const uint8_t* row[rows];
    FOVEA_UNROLL
    for (int m = 0; m < rows; ++m) row[m] = a[first + m] + runs.offsets[r];
    for (int64_t k = 0; k < dots; ++k) {
      VI b[vectors];
      FOVEA_UNROLL
      for (int v = 0; v < vectors; ++v) b[v] = hn::LoadU(di, weights + v * lanes);
      weights += vectors * lanes;
      FOVEA_UNROLL
      for (int m = 0; m < rows; ++m) {
        int32_t four = 0;
        std::memcpy(&four, row[m] + dot_length * k, sizeof(four));
        const VI x = hn::Set(di, four);
        FOVEA_UNROLL
        for (int v = 0; v < vectors; ++v) sum[m][v] = AddDot<instruction>(di, sum[m][v], x, b[v]);
      }
    }
  }
  FOVEA_UNROLL
  for (int m = 0; m < rows; ++m) {
    FOVEA_UNROLL
    for (int v = 0; v < vectors; ++v) {
      const int64_t columns = panel.columns - v * lanes;
      auto real = hn::Mul(hn::ConvertTo(d, sum[m][v]), hn::LoadU(d, panel.scale + v * lanes));
      if (residual) {
        const uint8_t* const from = residual[first + m] + (panel.column + v * lanes) * panel.epilogue->residual_size();
        real = AddResidual(d, *panel.epilogue, from, real, columns);
      }
      store(d, panel, real, out[first + m], panel.out_column + v * lanes, columns);
    }
  }
}

// `count` rows against one panel, in tiles as equal as can be.
template <bool instruction, int vectors, class D, class Store>
HWY_INLINE void ByteTiles(D d, const uint8_t* const* a, int64_t count, const Runs& runs, const BytePanel& panel,
                          const uint8_t* const* residual, uint8_t* const* out, const Store& store) {
  int64_t tiles = (count + tile_rows - 1) / tile_rows;
  for (int64_t m = 0; m < count; --tiles) {
    const int64_t rows_now = (count - m + tiles - 1) / tiles;
    WithRows<tile_rows>(rows_now, [&](auto rows) HWY_ATTR {
      ByteTile<instruction, rows, vectors>(d, a, m, runs, panel, residual, out, store);
    });
    m += rows_now;
  }
}

// Floats of one panel on their way through an activation that is no clamp.
struct RealRows {
  float values[row_block][2 * HWY_LANES(float)];
  uint8_t* rows[row_block];

  RealRows() {
    for (int64_t m = 0; m < row_block; ++m) rows[m] = reinterpret_cast<uint8_t*>(values[m]);
  }
};

void QuantizeRow(const ToByte& to, int64_t count, const float* x, uint8_t* y) {
  for_each_vector(count, [&](auto d, int64_t i) HWY_ATTR {
    const hn::RebindToSigned<decltype(d)> di;
    StoreBytes(di, Quantized(d, to, hn::LoadU(d, x + i)), y + i, static_cast<int64_t>(hn::Lanes(d)));
  });
}

void ByteGemm(const uint8_t* const* a, int64_t count, const Runs& runs, const ByteMatrix& b,
              const ByteEpilogue& epilogue, const uint8_t* const* residual, uint8_t* const* out, int64_t first_panel,
              int64_t last_panel) {
  const bool clamps = is_clamp(epilogue.activation);
  for (int64_t p = first_panel; p < last_panel; ++p) {
    const int64_t column = b.panels.first_column(p);
    BytePanel panel = {.weights = b.weights + dot_length * b.panels.offset(p),
                       .start = b.start + column,
                       .scale = b.scale + column,
                       .column = column,
                       .out_column = column,
                       .columns = b.panels.columns_of(p),
                       .epilogue = &epilogue,
                       .clamp = clamp_of(epilogue.activation)};
    WithByteInstruction([&](auto instruction) HWY_ATTR {
      WithPanelWidth(b.panels.width_of(p), [&](auto vectors, auto d) HWY_ATTR {
        if (clamps && epilogue.output) {
          const StoreQuantized store{ToByte(*epilogue.output, panel.clamp)};
          return ByteTiles<instruction, vectors>(d, a, count, runs, panel, residual, out, store);
        }
        if (!epilogue.output) {
          ByteTiles<instruction, vectors>(d, a, count, runs, panel, residual, out, StoreReal());
          for (int64_t m = 0; m < count && !clamps; ++m) {
            float* const row = reinterpret_cast<float*>(out[m]) + column;
            ActivateRow(epilogue.activation, epilogue.alpha, panel.columns, row, row);
          }
          return;
        }
        RealRows real;
        panel.out_column = 0;
        ByteTiles<instruction, vectors>(d, a, count, runs, panel, residual, real.rows, StoreReal());
        for (int64_t m = 0; m < count; ++m) {
          float* const row = real.values[m];
          ActivateRow(epilogue.activation, epilogue.alpha, panel.columns, row, row);
          QuantizeRow(ToByte(*epilogue.output), panel.columns, row, out[m] + column);
        }
      });
    });
  }
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::cpu {

HWY_EXPORT(ByteGemm);

void byte_gemm(const uint8_t* const* a, int64_t count, const Runs& runs, const ByteMatrix& b,
               const ByteEpilogue& epilogue, const uint8_t* const* residual, uint8_t* const* out, int64_t first_panel,
               int64_t last_panel) {
  HWY_DYNAMIC_DISPATCH(ByteGemm)(a, count, runs, b, epilogue, residual, out, first_panel, last_panel);
}

}  // namespace fovea::cpu
#endif
