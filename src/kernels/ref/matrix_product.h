#pragma once

#include <algorithm>
#include <cstdint>

namespace fovea::ref {

// c {batch, m, p} = a {batch, m, k} b {batch, k, p}
struct MatrixProductShape {
  int64_t batch, m, k, p;
};

template <class T>
void matrix_product_forward(const MatrixProductShape& s, const T* a, const T* b, T* c) {
  std::fill_n(c, s.batch * s.m * s.p, T{0});
  for (int64_t row = 0; row < s.batch * s.m; ++row) {
    const T* const matrix = b + row / s.m * s.k * s.p;
    for (int64_t i = 0; i < s.k; ++i) {
      const T factor = a[row * s.k + i];
      for (int64_t j = 0; j < s.p; ++j) c[row * s.p + j] += factor * matrix[i * s.p + j];
    }
  }
}

// da = dc b', db = a' dc; a null pointer: not wanted.
template <class T>
void matrix_product_backward(const MatrixProductShape& s, const T* a, const T* b, const T* dc, T* da, T* db) {
  if (da != nullptr) std::fill_n(da, s.batch * s.m * s.k, T{0});
  if (db != nullptr) std::fill_n(db, s.batch * s.k * s.p, T{0});
  for (int64_t row = 0; row < s.batch * s.m; ++row) {
    const int64_t matrix = row / s.m * s.k * s.p;
    for (int64_t i = 0; i < s.k; ++i) {
      for (int64_t j = 0; j < s.p; ++j) {
        if (da != nullptr) da[row * s.k + i] += dc[row * s.p + j] * b[matrix + i * s.p + j];
        if (db != nullptr) db[matrix + i * s.p + j] += a[row * s.k + i] * dc[row * s.p + j];
      }
    }
  }
}

}  // namespace fovea::ref
