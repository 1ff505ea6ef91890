#include "kernels/cpu/column_sums.h"

#include <algorithm>

#include "fovea/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/column_sums.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fovea::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// sums <- x's rows added in order; `pitch` floats from row to row.
void ColumnSums(int64_t rows, int64_t columns, const float* x, int64_t pitch, float* sums) {
  for_each_channel(columns, [&](auto d, int64_t c) HWY_ATTR {
    auto sum = hn::Zero(d);
    for (int64_t row = 0; row < rows; ++row) sum = hn::Add(sum, hn::LoadU(d, x + row * pitch + c));
    hn::StoreU(sum, d, sums + c);
  });
}

}  // namespace fovea::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea::cpu {

HWY_EXPORT(ColumnSums);

namespace {
constexpr int64_t block = 256;  // rows
}

int64_t column_sums_scratch(int64_t rows, int64_t columns) { return (rows + block - 1) / block * columns; }

void column_sums(int64_t rows, int64_t columns, const float* x, float* sums, float* scratch) {
  auto* const add = HWY_DYNAMIC_DISPATCH(ColumnSums);
  const int64_t blocks = (rows + block - 1) / block;
  parallel_for(blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      add(std::min(block, rows - k * block), columns, x + k * block * columns, columns, scratch + k * columns);
    }
  });
  add(blocks, columns, scratch, columns, sums);
}

}  // namespace fovea::cpu
#endif
