#include "kernels/cpu/permute.h"

#include <algorithm>

#include "fovea/parallel.h"

namespace fovea::cpu {

namespace {

constexpr int64_t grain = 16384;  // elements per chunk
constexpr int64_t tile = 16;      // one cache line of floats a side, so that each line is fetched once

}  // namespace

Permute::Permute(const Permutation& permutation) {
  const size_t rank = permutation.dims.size();
  std::vector<int64_t> strides(rank, 1);
  for (size_t axis = rank; axis-- > 1;) strides[axis - 1] = strides[axis] * permutation.dims[axis];
  std::vector<Axis> axes;  // of the output, innermost first
  int64_t to = 1;
  for (size_t k = rank; k-- > 0;) {
    const auto axis = static_cast<size_t>(permutation.axes[k]);
    const int64_t extent = permutation.dims[axis];
    if (extent == 1) continue;
    if (!axes.empty() && strides[axis] == axes.back().from * axes.back().extent) {
      axes.back().extent *= extent;
    } else {
      axes.push_back({extent, strides[axis], to});
    }
    to *= extent;
  }
  if (axes.empty()) return;
  inner_ = axes.front();
  axes.erase(axes.begin());
  if (const auto found = std::ranges::find(axes, 1, &Axis::from); found != axes.end()) {
    contiguous_ = *found;
    axes.erase(found);
  }
  outer_.assign(axes.rbegin(), axes.rend());
  for (const Axis& axis : outer_) outer_count_ *= axis.extent;
}

Permute::Offsets Permute::position(int64_t index) const {
  Offsets offsets;
  for (size_t k = outer_.size(); k-- > 0;) {
    const int64_t at = index % outer_[k].extent;
    index /= outer_[k].extent;
    offsets.from += at * outer_[k].from;
    offsets.to += at * outer_[k].to;
  }
  return offsets;
}

void Permute::run(const float* x, float* y) const { inner_.from == 1 ? copy_rows(x, y) : transpose_tiles(x, y); }

void Permute::copy_rows(const float* x, float* y) const {
  const int64_t length = inner_.extent;
  const int64_t pieces = (length + grain - 1) / grain;  // of a row
  const int64_t size = (length + pieces - 1) / pieces;
  parallel_for(outer_count_ * pieces, std::max<int64_t>(1, grain / size), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const Offsets row = position(i / pieces);
      const int64_t first = i % pieces * size;
      if (first < length) std::copy_n(x + row.from + first, std::min(size, length - first), y + row.to + first);
    }
  });
}

void Permute::transpose_tiles(const float* x, float* y) const {
  const Axis& a = contiguous_;
  const Axis& b = inner_;
  const int64_t bands = (a.extent + tile - 1) / tile;
  parallel_for(outer_count_ * bands, std::max<int64_t>(1, grain / (tile * b.extent)), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const Offsets at = position(i / bands);
      const int64_t first = i % bands * tile;
      const int64_t last = std::min(a.extent, first + tile);
      for (int64_t left = 0; left < b.extent; left += tile) {
        const int64_t right = std::min(b.extent, left + tile);
        for (int64_t p = first; p < last; ++p) {
          for (int64_t q = left; q < right; ++q) y[at.to + p * a.to + q] = x[at.from + p + q * b.from];
        }
      }
    }
  });
}

}  // namespace fovea::cpu
