#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace fovea {

// Extents of a tensor, outermost first: activations are {N, H, W, C}, {N, L, C} or {N, D, H, W, C}.
// Holds up to max_rank dimensions without allocating. Rank 0 is a scalar of one element.
class Shape {
 public:
  static constexpr int max_rank = 8;

  Shape() = default;
  // Throws Error(format) when a dimension is negative, there are more than max_rank of them,
  // or the number of elements exceeds 2^48.
  Shape(std::initializer_list<int64_t> dims) : Shape(std::span(dims.begin(), dims.size())) {}
  explicit Shape(std::span<const int64_t> dims);

  int rank() const { return rank_; }
  int64_t operator[](int axis) const { return dims_[static_cast<size_t>(axis)]; }
  int64_t back() const { return dims_[static_cast<size_t>(rank_ - 1)]; }
  std::span<const int64_t> dims() const { return {dims_.data(), static_cast<size_t>(rank_)}; }
  // Product of all dimensions; 1 for a scalar.
  int64_t elements() const { return elements_; }

  Shape with_dim(int axis, int64_t extent) const;  // a copy with one extent replaced
  Shape with_batch(int64_t batch) const;           // a copy with dimension 0 replaced
  Shape without_batch() const;                     // dimensions 1 and up

  bool operator==(const Shape& other) const;

 private:
  std::array<int64_t, max_rank> dims_{};
  int rank_ = 0;
  int64_t elements_ = 1;
};

// "28x28x6"; "scalar" for rank 0.
std::string to_string(const Shape& shape);

}  // namespace fovea
