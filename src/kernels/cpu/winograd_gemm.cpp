#include "kernels/cpu/winograd_gemm.h"

#include <algorithm>
#include <array>
#include <utility>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/winograd_gemm.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Rows (tiles) of a register tile of two vectors of filters: with them all sums, both weights and a broadcast input fit
// the 32 registers of AVX-512 and the 16 of AVX2.
constexpr int winograd_rows = HWY_TARGET <= HWY_AVX3 ? 14 : 6;

// Inputs of a row lie in blocks of channels; those of the next row follow, so that one pointer reaches all rows. The
// weights of late layers come from the third cache or memory, each once per block of tiles: `ahead` are those to fetch
// meanwhile, `ahead_step` for every channel.
template <int rows, int vectors>
void WinogradRegisterTile(const float* HWY_RESTRICT a, int64_t block_stride, int64_t blocks,
                          const float* HWY_RESTRICT b, const float* ahead, int64_t ahead_step,
                          float* HWY_RESTRICT out) {
  const hn::ScalableTag<float> d;
  using V = hn::Vec<decltype(d)>;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  V sum[rows][vectors];
  for (int m = 0; m < rows; ++m) {
    for (int v = 0; v < vectors; ++v) sum[m][v] = hn::Zero(d);
  }
  for (int64_t block = 0; block < blocks; ++block, a += block_stride) {
    for (int64_t c = 0; c < winograd_channels; ++c) {
      V w[vectors];
      for (int v = 0; v < vectors; ++v) w[v] = hn::LoadU(d, b + v * lanes);
      b += vectors * lanes;
      hwy::Prefetch(ahead);
      hwy::Prefetch(ahead + 16);
      ahead += ahead_step;
      for (int m = 0; m < rows; ++m) {
        const V value = hn::Set(d, a[m * winograd_channels + c]);
        for (int v = 0; v < vectors; ++v) sum[m][v] = hn::MulAdd(value, w[v], sum[m][v]);
      }
    }
  }
  for (int m = 0; m < rows; ++m) {
    for (int v = 0; v < vectors; ++v) hn::StoreU(sum[m][v], d, out + (m * vectors + v) * lanes);
  }
}

using WinogradTileFunction = void (*)(const float*, int64_t, int64_t, const float*, const float*, int64_t, float*);

// For 1, 2 ... winograd_rows rows.
template <int vectors, int... rows>
constexpr auto WinogradTileFunctions(std::integer_sequence<int, rows...>) {
  return std::array<WinogradTileFunction, sizeof...(rows)>{&WinogradRegisterTile<rows + 1, vectors>...};
}

void WinogradMultiply(const WinogradShape& s, const WinogradBlock& block, const Panels& panels, WinogradRange products,
                      int64_t tiles, const float* v, const float* u, float* m) {
  static constexpr auto one = WinogradTileFunctions<1>(std::make_integer_sequence<int, winograd_rows>());
  static constexpr auto two = WinogradTileFunctions<2>(std::make_integer_sequence<int, winograd_rows>());
  const int64_t strips = (tiles + block.height - 1) / block.height;
  for (int64_t product = products.begin; product < products.end; ++product) {
    for (int64_t panel = 0; panel < panels.count(); ++panel) {
      const int64_t width = panels.width_of(panel);
      const auto& functions = width == panels.full_width() ? two : one;
      const float* const weights = u + product * panels.floats() + panels.offset(panel);
      const float* const ahead = weights + width * panels.rows;  // of the next panel, or the next product's first
      const int64_t ahead_step = (width + strips - 1) / strips;
      for (int64_t strip = 0; strip < strips; ++strip) {
        const int64_t first = strip * block.height;
        const auto rows = static_cast<size_t>(std::min(block.height, tiles - first));
        functions[rows - 1](
            v + block.input_offset(s, first, 0) + product * block.input_plane(), block.input_block(),
            s.channel_blocks(), weights, ahead + strip * ahead_step * panels.rows, ahead_step,
            m + block.output_offset(panels, first, panels.first_column(panel)) + product * block.height * width);
      }
    }
  }
}

int64_t WinogradStripLimit() { return winograd_rows; }

// The tiles whose products a weight gradient sums: of inputs a[strip * a_strip + tile * winograd_channels + row] and
// output gradients b[strip * b_strip + (tile, filter)].
struct WinogradSum {
  const float* a;
  int64_t a_strip;
  const float* b;
  int64_t b_strip;
  int64_t tiles;
  int64_t height;
};

// sums[row, filter] for `rows` neighbouring channels from `first`, and a panel of filters.
template <int rows, int vectors>
HWY_INLINE void WinogradGradientTile(const WinogradSum& terms, int64_t first, float* HWY_RESTRICT sums,
                                     bool accumulate) {
  const hn::ScalableTag<float> d;
  using V = hn::Vec<decltype(d)>;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  V sum[rows][vectors];
  for (int m = 0; m < rows; ++m) {
    for (int v = 0; v < vectors; ++v) {
      sum[m][v] = accumulate ? hn::LoadU(d, sums + (m * vectors + v) * lanes) : hn::Zero(d);
    }
  }
  const float* ahead = sums + rows * vectors * lanes;  // the sums of the next tiles
  const float* a_strip = terms.a + first;
  const float* b_strip = terms.b;
  for (int64_t left = terms.tiles; left > 0; left -= terms.height) {
    const float* HWY_RESTRICT a = a_strip;
    const float* HWY_RESTRICT b = b_strip;
    const int64_t height = std::min(left, terms.height);
    for (int64_t tile = 0; tile < height; ++tile, a += winograd_channels, b += vectors * lanes) {
      hwy::Prefetch(ahead);
      ahead += winograd_channels;
      V w[vectors];
      for (int v = 0; v < vectors; ++v) w[v] = hn::LoadU(d, b + v * lanes);
      for (int m = 0; m < rows; ++m) {
        const V value = hn::Set(d, a[m]);
        for (int v = 0; v < vectors; ++v) sum[m][v] = hn::MulAdd(value, w[v], sum[m][v]);
      }
    }
    a_strip += terms.a_strip;
    b_strip += terms.b_strip;
  }
  for (int m = 0; m < rows; ++m) {
    for (int v = 0; v < vectors; ++v) hn::StoreU(sum[m][v], d, sums + (m * vectors + v) * lanes);
  }
}

// All channels of a block: as many at a time as the registers hold.
template <int vectors>
void WinogradGradientTiles(const WinogradSum& terms, float* sums, bool accumulate) {
  constexpr int rows = HWY_TARGET <= HWY_AVX3 ? 8 : 6;
  const auto width = static_cast<int64_t>(vectors * hn::Lanes(hn::ScalableTag<float>()));
  int row = 0;
  for (; row + rows <= winograd_channels; row += rows) {
    WinogradGradientTile<rows, vectors>(terms, row, sums + row * width, accumulate);
  }
  if constexpr (constexpr int left = static_cast<int>(winograd_channels) % rows; left > 0) {
    WinogradGradientTile<left, vectors>(terms, row, sums + row * width, accumulate);
  }
}

void WinogradMultiplyGradients(const WinogradShape& s, const WinogradBlock& block, const Panels& panels,
                               WinogradRange products, int64_t tiles, const float* v, const float* m, float* sums,
                               bool accumulate) {
  for (int64_t product = products.begin; product < products.end; ++product) {
    for (int64_t panel = 0; panel < panels.count(); ++panel) {
      const int64_t width = panels.width_of(panel);
      const auto function = width == panels.full_width() ? &WinogradGradientTiles<2> : &WinogradGradientTiles<1>;
      for (int64_t c = 0; c < s.channel_blocks(); ++c) {
        const WinogradSum terms{
            .a = v + block.input_offset(s, 0, c) + product * block.input_plane(),
            .a_strip = s.channel_blocks() * block.input_block(),
            .b = m + block.output_offset(panels, 0, panels.first_column(panel)) + product * block.height * width,
            .b_strip = winograd_products * block.height * panels.columns,
            .tiles = tiles,
            .height = block.height};
        function(terms, sums + product * panels.floats() + panels.offset(panel) + c * winograd_channels * width,
                 accumulate);
      }
    }
  }
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::cpu {

HWY_EXPORT(WinogradStripLimit);
HWY_EXPORT(WinogradMultiply);
HWY_EXPORT(WinogradMultiplyGradients);

WinogradBlock winograd_block(int64_t tiles) {
  const int64_t limit = HWY_DYNAMIC_DISPATCH(WinogradStripLimit)();
  const int64_t strips = (tiles + limit - 1) / limit;
  return {.first = 0, .height = (tiles + strips - 1) / strips, .strips = strips};
}

void winograd_multiply(const WinogradShape& s, const WinogradBlock& block, const Panels& panels, WinogradRange products,
                       int64_t tiles, const float* v, const float* u, float* m) {
  HWY_DYNAMIC_DISPATCH(WinogradMultiply)(s, block, panels, products, tiles, v, u, m);
}

void winograd_multiply_gradients(const WinogradShape& s, const WinogradBlock& block, const Panels& panels,
                                 WinogradRange products, int64_t tiles, const float* v, const float* m, float* sums,
                                 bool accumulate) {
  HWY_DYNAMIC_DISPATCH(WinogradMultiplyGradients)(s, block, panels, products, tiles, v, m, sums, accumulate);
}

}  // namespace fovea::cpu
#endif
