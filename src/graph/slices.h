#pragma once

#include <cstdint>
#include <vector>

#include "fovea/graph.h"

namespace fovea {

// Where a value lies inside a wider one that it is concatenated into, directly or by way of others.
struct Slice {
  int of = -1;           // the node whose value is the whole; -1: this value is no slice
  int64_t channel = 0;   // of the whole, where the slice begins
  int64_t channels = 0;  // of the whole

  explicit operator bool() const { return of >= 0; }
};

// Which values of an inference plan can be computed where concatenation would copy them to: their kernels write slices
// (Op::writes_slices), all who read them besides the concatenation read slices. By node; shapes are those of all nodes;
// sources name the node whose value a node shares (itself unless it is an identity); kept values stay whole.
std::vector<Slice> find_slices(const Graph& graph, const std::vector<Shape>& shapes, const std::vector<int>& sources,
                               const std::vector<bool>& needed, const std::vector<bool>& kept);

}  // namespace fovea
