#pragma once

#include <algorithm>
#include <cstdint>

#include "fovea/shape.h"

// Binary functions y = f(a, b) with inputs repeated along axes where their extent is 1.
namespace fovea::ref {

struct Add {
  template <class T>
  T value(T a, T b) const {
    return a + b;
  }
  template <class T>
  T slope_a(T /*a*/, T /*b*/) const {
    return T(1);
  }
  template <class T>
  T slope_b(T /*a*/, T /*b*/) const {
    return T(1);
  }
};

struct Multiply {
  template <class T>
  T value(T a, T b) const {
    return a * b;
  }
  template <class T>
  T slope_a(T /*a*/, T b) const {
    return b;
  }
  template <class T>
  T slope_b(T a, T /*b*/) const {
    return a;
  }
};

// Index into an input of element i of the output.
inline int64_t broadcast_index(const Shape& output, const Shape& input, int64_t i) {
  int64_t index = 0;
  int64_t stride = 1;
  for (int axis = output.rank() - 1; axis >= 0; --axis) {
    if (input[axis] > 1) index += i % output[axis] * stride;
    i /= output[axis];
    stride *= input[axis];
  }
  return index;
}

template <class F, class T>
void binary_forward(const F& f, const Shape& a_shape, const Shape& b_shape, const Shape& shape, const T* a, const T* b,
                    T* y) {
  for (int64_t i = 0; i < shape.elements(); ++i) {
    y[i] = f.value(a[broadcast_index(shape, a_shape, i)], b[broadcast_index(shape, b_shape, i)]);
  }
}

// da or db is null where nobody wants it; a and b are null where f's slopes do not read them.
template <class F, class T>
void binary_backward(const F& f, const Shape& a_shape, const Shape& b_shape, const Shape& shape, const T* a, const T* b,
                     const T* dy, T* da, T* db) {
  if (da) std::fill(da, da + a_shape.elements(), T(0));
  if (db) std::fill(db, db + b_shape.elements(), T(0));
  for (int64_t i = 0; i < shape.elements(); ++i) {
    const int64_t ia = broadcast_index(shape, a_shape, i);
    const int64_t ib = broadcast_index(shape, b_shape, i);
    if (da) da[ia] += dy[i] * f.slope_a(a ? a[ia] : T(0), b ? b[ib] : T(0));
    if (db) db[ib] += dy[i] * f.slope_b(a ? a[ia] : T(0), b ? b[ib] : T(0));
  }
}

}  // namespace fovea::ref
