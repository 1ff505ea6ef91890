#include "kernels/cpu/expanded_depthwise.h"

#include <algorithm>
#include <vector>

#include "fovea/parallel.h"
#include "kernels/cpu/depthwise_row.h"
#include "kernels/cpu/gemm.h"

namespace fovea::cpu {

namespace {

constexpr int64_t widest_panel = 32;           // of any instruction set
constexpr int64_t ring_floats = 32768;         // at most, on the stack
constexpr int64_t cached_ring_floats = 10240;  // of the first cache, if the window leaves the choice

int64_t window_rows(const ConvShape& depthwise) {
  return (depthwise.kernel_height - 1) * depthwise.dilation_height + 1;
}

bool is_pointwise(const ConvShape& s) {
  return s.is_flat() && s.taps() == 1 && s.groups == 1 && s.stride_height == 1 && s.stride_width == 1 && !s.is_padded();
}

std::vector<int64_t> multiples(int64_t count, int64_t step) {
  std::vector<int64_t> values;
  for (int64_t i = 0; i < count; ++i) values.push_back(i * step);
  return values;
}

}  // namespace

// What all tasks of one forward pass share.
struct ExpandedDepthwise::Step {
  const float* x;
  const Epilogue& expansion;
  const Epilogue& depthwise;
  float* y;
};

bool ExpandedDepthwise::suits(const ConvShape& expansion, const ConvShape& depthwise) {
  const int64_t row = depthwise.width * widest_panel;
  return is_pointwise(expansion) && Depthwise::suits(depthwise) && window_rows(depthwise) * row <= ring_floats;
}

ExpandedDepthwise::ExpandedDepthwise(const ConvShape& expansion, const ConvShape& depthwise)
    : expansion_(expansion),
      depthwise_(depthwise, false, false),
      panels_(make_panels(expansion.channels, expansion.filters)) {
  const int64_t row = depthwise.width * panels_.full_width();
  ring_rows_ = std::max(window_rows(depthwise), std::min(depthwise.height, cached_ring_floats / row));
}

void ExpandedDepthwise::load(const float* expansion, const float* depthwise) {
  if (packed_.empty()) packed_ = make_buffer(static_cast<size_t>(panels_.floats()));
  pack_panels(panels_, expansion, multiples(panels_.rows, 1).data(), multiples(panels_.columns, panels_.rows).data(),
              packed_.data());
  depthwise_.load(depthwise);
}

// Tasks are panels of bands of output rows. A band expands again the rows that its windows share with the band above.
// NOLINTNEXTLINE(readability-non-const-parameter)
void ExpandedDepthwise::forward(const float* x, const Epilogue& expansion, const Epilogue& depthwise, float* y) const {
  constexpr int64_t cached_inputs = 131072;  // floats, which the panels of a band read one after the other
  constexpr int64_t fewest_rows = 7;
  const int64_t rows = depthwise_.forward_pass().rows.count;
  const int64_t inputs = expansion_.height * expansion_.width * expansion_.channels;
  const int64_t for_threads = (thread_count() + expansion_.batch - 1) / expansion_.batch;
  const int64_t wanted = std::max((inputs + cached_inputs - 1) / cached_inputs, for_threads);
  const int64_t bands = std::clamp<int64_t>(rows / fewest_rows, 1, wanted);
  const Step step = {x, expansion, depthwise, y};
  parallel_for(expansion_.batch * bands * panels_.count(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t panel = task % panels_.count();
      const int64_t band = task / panels_.count() % bands;
      const int64_t picture = task / panels_.count() / bands;
      run_band(step, picture, panel, band * rows / bands, (band + 1) * rows / bands);
    }
  });
}

void ExpandedDepthwise::run_band(const Step& step, int64_t picture, int64_t panel, int64_t first_row,
                                 int64_t last_row) const {
  alignas(64) float ring[ring_floats];
  const DepthwisePass& pass = depthwise_.forward_pass();
  const DepthwiseAxis& rows = pass.rows;
  const int64_t window = (rows.kernel - 1) * rows.dilation + 1;
  const int64_t rows_at_once = (ring_rows_ - window) / rows.stride + 1;
  const int64_t channel = panels_.first_column(panel);
  const int64_t channels = panels_.columns_of(panel);
  const DepthwiseInput in = {.data = ring, .first_channel = channel, .pixel = channels, .ring = ring_rows_};
  int64_t expanded = std::max<int64_t>(0, first_row * rows.stride - rows.before);
  for (int64_t row = first_row; row < last_row;) {
    const int64_t end = std::min(row + rows_at_once, last_row);
    const int64_t needed = std::min(rows.extent, (end - 1) * rows.stride - rows.before + window);
    if (needed > expanded) expand(step, picture, panel, expanded, needed, ring);
    expanded = std::max(expanded, needed);
    for (; row < end; ++row) {
      depthwise_row(pass, expansion_.filters, picture, row, channel, channel + channels, in, step.depthwise, step.y);
    }
  }
}

// Rows [first_row, last_row) of the wide picture into the ring, in the channels of one panel.
void ExpandedDepthwise::expand(const Step& step, int64_t picture, int64_t panel, int64_t first_row, int64_t last_row,
                               float* ring) const {
  const int64_t channels = panels_.columns_of(panel);
  const float* const x = step.x + picture * expansion_.height * expansion_.width * expansion_.channels;
  const int64_t no_offset = 0;
  const Runs runs = {&no_offset, 1, expansion_.channels};
  const int64_t first = first_row * expansion_.width;
  const int64_t last = last_row * expansion_.width;
  const int64_t blocks = (last - first + row_block - 1) / row_block;
  int64_t place = first % (ring_rows_ * expansion_.width);
  for (int64_t b = 0; b < blocks; ++b) {
    const int64_t begin = first + b * (last - first) / blocks;
    const int64_t end = first + (b + 1) * (last - first) / blocks;
    const float* pixels[row_block];
    float* places[row_block];
    for (int64_t p = begin; p < end; ++p) {
      pixels[p - begin] = x + p * expansion_.channels;
      places[p - begin] = ring + place * channels;
      if (++place == ring_rows_ * expansion_.width) place = 0;
    }
    row_gemm(pixels, end - begin, runs, panels_, packed_.data(), step.expansion, nullptr, places, panel, panel + 1);
  }
}

}  // namespace fovea::cpu
