#pragma once

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <span>

namespace fovea {

// Sums and products of counts (0 or more) that stop at the largest number: a network from a hostile file may be so
// large that its cost cannot be counted.
inline int64_t saturating_add(int64_t a, int64_t b) {
  int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? std::numeric_limits<int64_t>::max() : sum;
}

inline int64_t saturating_product(std::span<const int64_t> factors) {
  int64_t product = 1;
  for (const int64_t factor : factors) {
    if (__builtin_mul_overflow(product, factor, &product)) product = std::numeric_limits<int64_t>::max();
  }
  return product;
}
inline int64_t saturating_product(std::initializer_list<int64_t> factors) {
  return saturating_product(std::span(factors.begin(), factors.size()));
}

}  // namespace fovea
