#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fovea {

// A transposition of x {dims[0], dims[1], ...}: axis k of the output is axis axes[k] of x.
struct Permutation {
  std::vector<int64_t> dims;
  std::vector<int> axes;

  std::vector<int64_t> output_dims() const {
    std::vector<int64_t> result;
    for (const int axis : axes) result.push_back(dims[static_cast<size_t>(axis)]);
    return result;
  }
  Permutation inverse() const {
    Permutation result{output_dims(), std::vector<int>(axes.size())};
    for (size_t k = 0; k < axes.size(); ++k) result.axes[static_cast<size_t>(axes[k])] = static_cast<int>(k);
    return result;
  }
};

}  // namespace fovea
