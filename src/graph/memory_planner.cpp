#include "graph/memory_planner.h"

#include <algorithm>
#include <numeric>

namespace fovea {

namespace {

constexpr size_t alignment = 16;  // floats in a cache line

bool live_together(const BufferRequest& a, const BufferRequest& b) { return a.first <= b.last && b.first <= a.last; }

}  // namespace

MemoryPlan plan_memory(const std::vector<BufferRequest>& requests) {
  const auto padded = [&](size_t i) { return (requests[i].floats + alignment - 1) / alignment * alignment; };
  std::vector<size_t> order(requests.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return requests[a].floats > requests[b].floats; });

  MemoryPlan plan;
  plan.offsets.resize(requests.size());
  std::vector<size_t> placed;  // by offset
  for (const size_t i : order) {
    size_t offset = 0;
    for (const size_t other : placed) {
      if (!live_together(requests[i], requests[other])) continue;
      if (plan.offsets[other] >= offset + padded(i)) break;  // the gap before `other` is large enough
      offset = std::max(offset, plan.offsets[other] + padded(other));
    }
    plan.offsets[i] = offset;
    plan.floats = std::max(plan.floats, offset + padded(i));
    const auto place = std::upper_bound(placed.begin(), placed.end(), offset,
                                        [&](size_t at, size_t other) { return at < plan.offsets[other]; });
    placed.insert(place, i);
  }
  return plan;
}

}  // namespace fovea
