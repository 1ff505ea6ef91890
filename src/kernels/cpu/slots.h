#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "fovea/parallel.h"

namespace fovea::cpu {

// Calls body(task, slot) once for each task: at most `slots` at a time, and never two at a time with the same slot. For
// tasks that need scratch which should stay in the cache of the core that used it last.
template <class Body>
void parallel_for_slots(int64_t tasks, int64_t slots, const Body& body) {
  std::atomic<int64_t> next = 0;
  parallel_for(std::min(tasks, slots), 1, [&](int64_t begin, int64_t end) {
    for (int64_t slot = begin; slot < end; ++slot) {
      for (int64_t task = next++; task < tasks; task = next++) body(task, slot);
    }
  });
}

}  // namespace fovea::cpu
