#pragma once

#include <algorithm>
#include <cstdint>

#include "fovea/shape.h"

// Binary functions y = f(a, b) with inputs repeated along axes where their extent is 1. slopes gives the derivatives by
// a and by b; where `reads` is false it gives them without looking at a and b.
namespace fovea::ref {

template <class T>
struct Slopes {
  T by_a, by_b;
};

struct Add {
  static constexpr bool reads = false;
  template <class T>
  T value(T a, T b) const {
    return a + b;
  }
  template <class T>
  Slopes<T> slopes(T /*a*/, T /*b*/) const {
    return {T(1), T(1)};
  }
};

struct Subtract {
  static constexpr bool reads = false;
  template <class T>
  T value(T a, T b) const {
    return a - b;
  }
  template <class T>
  Slopes<T> slopes(T /*a*/, T /*b*/) const {
    return {T(1), T(-1)};
  }
};

struct Multiply {
  static constexpr bool reads = true;
  template <class T>
  T value(T a, T b) const {
    return a * b;
  }
  template <class T>
  Slopes<T> slopes(T a, T b) const {
    return {b, a};
  }
};

struct Divide {
  static constexpr bool reads = true;
  template <class T>
  T value(T a, T b) const {
    return a / b;
  }
  template <class T>
  Slopes<T> slopes(T a, T b) const {
    return {T(1) / b, -a / (b * b)};
  }
};

// Of equal numbers each has half of the gradient.
template <class T>
Slopes<T> slopes_of_choice(bool is_a, bool equal) {
  if (equal) return {T(0.5), T(0.5)};
  return is_a ? Slopes<T>{T(1), T(0)} : Slopes<T>{T(0), T(1)};
}

struct Minimum {
  static constexpr bool reads = true;
  template <class T>
  T value(T a, T b) const {
    return a < b || a != a ? a : b;
  }
  template <class T>
  Slopes<T> slopes(T a, T b) const {
    return slopes_of_choice<T>(a < b, a == b);
  }
};

struct Maximum {
  static constexpr bool reads = true;
  template <class T>
  T value(T a, T b) const {
    return a > b || a != a ? a : b;
  }
  template <class T>
  Slopes<T> slopes(T a, T b) const {
    return slopes_of_choice<T>(a > b, a == b);
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
    const Slopes<T> slopes = f.slopes(a ? a[ia] : T(0), b ? b[ib] : T(0));
    if (da) da[ia] += dy[i] * slopes.by_a;
    if (db) db[ib] += dy[i] * slopes.by_b;
  }
}

}  // namespace fovea::ref
