#pragma once

#include <cstddef>
#include <vector>

namespace fovea {

// A buffer that must exist from step `first` to step `last` of a plan, both included.
struct BufferRequest {
  size_t floats = 0;
  int first = 0;
  int last = 0;
};

struct MemoryPlan {
  std::vector<size_t> offsets;  // floats from the arena's start, one per request, multiples of 16 (64 bytes)
  size_t floats = 0;            // size of the arena
};

// Places buffers so that no two that live at the same step overlap: largest first, each in the lowest gap that fits
// (Pisarchyk & Lee 2020, "Efficient memory management for deep neural net inference", greedy by size).
MemoryPlan plan_memory(const std::vector<BufferRequest>& requests);

}  // namespace fovea
