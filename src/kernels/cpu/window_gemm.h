#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "fovea/tensor.h"
#include "kernels/cpu/epilogue.h"
#include "kernels/cpu/group_gemm.h"
#include "kernels/cpu/panels.h"

// Implicit matrix multiplication over windows of a channels-last picture or volume: every output pixel is a window of
// input pixels times a matrix. The register tiles of gemm.h read the windows where they lie; no matrix of them is
// built.
namespace fovea::cpu {

// Pixels are counted along columns, then rows, planes and volumes.
struct Pixel {
  int64_t volume = 0, plane = 0, row = 0, column = 0;
};

// Where a pixel lies: so many floats from the start.
struct PixelGrid {
  int64_t first = 0;
  int64_t volume = 0, plane = 0, row = 0, column = 0;

  int64_t offset(const Pixel& p) const {
    return first + p.volume * volume + p.plane * plane + p.row * row + p.column * column;
  }
};

struct WindowShape {
  int64_t batch = 1, planes = 1, rows = 1, columns = 1;  // of output pixels
  PixelGrid windows = {};                                // first pixels of the windows
  PixelGrid outputs = {};
  std::vector<int64_t> taps = {};  // offsets of a window's pixels from its first one, in floats; none: sums are zero
  int64_t groups = 1;
  int64_t in_channels = 1;   // of a group
  int64_t out_channels = 1;  // of a group

  int64_t pixels() const { return batch * planes * rows * columns; }
  Pixel pixel(int64_t number) const {
    return {number / (columns * rows * planes), number / (columns * rows) % planes, number / columns % rows,
            number % columns};
  }
  void advance(Pixel& p) const {
    if (++p.column < columns) return;
    p.column = 0;
    if (++p.row < rows) return;
    p.row = 0;
    if (++p.plane < planes) return;
    p.plane = 0;
    ++p.volume;
  }
};

// How many taps make a run: those that follow each other in memory are one, if all runs come out equally long.
int64_t taps_per_run(const WindowShape& shape);

class WindowGemm {
 public:
  explicit WindowGemm(const WindowShape& shape);

  // Packs the matrix of each group: element (tap t, input channel c; output channel k) of group g is
  // weight[g group_stride + tap_offsets[t] + c in_stride + k out_stride].
  void load(const float* weight, const std::vector<int64_t>& tap_offsets, int64_t in_stride, int64_t out_stride,
            int64_t group_stride);

  bool shares_vectors() const { return group_vectors_.has_value(); }  // among groups: see group_gemm.h

  // Every window must lie inside `in`. The epilogue's residual is laid out as `out`.
  void run(const float* in, const Epilogue& epilogue, float* out) const;

 private:
  void run_block(int64_t first, int64_t count, int64_t first_panel, int64_t last_panel, const float* in,
                 const Epilogue& epilogue, float* out) const;

  WindowShape shape_;
  std::optional<GroupVectors> group_vectors_;  // instead of panels
  Panels panels_;                              // [taps * in_channels] x [out_channels], of a group
  std::vector<int64_t> run_offsets_;           // see Runs in gemm.h
  int64_t run_length_ = 0;
  Tensor packed_;  // all groups
};

}  // namespace fovea::cpu
