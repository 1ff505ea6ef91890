#pragma once

#include <cstdint>
#include <type_traits>

namespace fovea {

// Number of threads that parallel_for may use, the caller included. Default: FOVEA_THREADS from the environment,
// else one per CPU this process may run on. Changing it never changes a result, only the time taken.
int thread_count();
// Throws Error(usage) unless 1 <= count <= 1024. Not to be called while a parallel_for runs.
void set_thread_count(int count);

namespace detail {
using ChunkFunction = void (*)(void* context, int64_t begin, int64_t end);
void parallel_for_chunks(int64_t count, int64_t grain, ChunkFunction function, void* context);
}  // namespace detail

// Calls body(begin, end) for disjoint ranges that cover [0, count), each of `grain` items (the last may be shorter).
// Ranges are handed out dynamically, so a core that a neighbour has taken delays only the range it holds.
// Chunk limits depend on count and grain alone. Runs inline when there is one chunk or one thread, and when called
// from inside another parallel_for. An exception thrown by body reaches the caller after all chunks have ended.
template <class Body>
void parallel_for(int64_t count, int64_t grain, Body&& body) {
  auto run = [](void* context, int64_t begin, int64_t end) {
    (*static_cast<std::remove_reference_t<Body>*>(context))(begin, end);
  };
  detail::parallel_for_chunks(count, grain, run, const_cast<void*>(static_cast<const void*>(&body)));
}

}  // namespace fovea
