#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <utility>

// Pointwise functions y = f(x) and their gradients. Each function object gives f(x), and the derivative as a
// function of x and y, whichever is cheaper. options() are its numbers by name.
namespace fovea::ref {

struct Relu {
  template <class T>
  T value(T x) const {
    return x > T(0) ? x : T(0);
  }
  template <class T>
  T slope(T /*x*/, T y) const {
    return y > T(0) ? T(1) : T(0);
  }
};

struct LeakyRelu {
  double alpha;
  auto options() const { return std::array{std::pair<const char*, double>("alpha", alpha)}; }
  template <class T>
  T value(T x) const {
    return x > T(0) ? x : T(alpha) * x;
  }
  template <class T>
  T slope(T x, T /*y*/) const {
    return x > T(0) ? T(1) : T(alpha);
  }
};

struct Elu {
  double alpha;
  auto options() const { return std::array{std::pair<const char*, double>("alpha", alpha)}; }
  template <class T>
  T value(T x) const {
    return x > T(0) ? x : T(alpha) * std::expm1(x);
  }
  template <class T>
  T slope(T x, T y) const {
    return x > T(0) ? T(1) : y + T(alpha);
  }
};

struct Sigmoid {
  template <class T>
  T value(T x) const {
    return T(1) / (T(1) + std::exp(-x));
  }
  template <class T>
  T slope(T /*x*/, T y) const {
    return y * (T(1) - y);
  }
};

struct Tanh {
  template <class T>
  T value(T x) const {
    return std::tanh(x);
  }
  template <class T>
  T slope(T /*x*/, T y) const {
    return T(1) - y * y;
  }
};

struct Relu6 {
  template <class T>
  T value(T x) const {
    return std::min(std::max(x, T(0)), T(6));
  }
  template <class T>
  T slope(T /*x*/, T y) const {
    return y > T(0) && y < T(6) ? T(1) : T(0);
  }
};

struct HardSigmoid {
  template <class T>
  T value(T x) const {
    return std::min(std::max(x + T(3), T(0)), T(6)) / T(6);
  }
  template <class T>
  T slope(T /*x*/, T y) const {
    return y > T(0) && y < T(1) ? T(1) / T(6) : T(0);
  }
};

struct HardSwish {
  template <class T>
  T value(T x) const {
    return x * HardSigmoid{}.value(x);
  }
  template <class T>
  T slope(T x, T /*y*/) const {
    if (x <= T(-3)) return T(0);
    return x < T(3) ? x / T(3) + T(0.5) : T(1);
  }
};

struct Silu {
  template <class T>
  T value(T x) const {
    return x * Sigmoid{}.value(x);
  }
  template <class T>
  T slope(T x, T /*y*/) const {
    const T s = Sigmoid{}.value(x);
    return s * (T(1) + x * (T(1) - s));
  }
};

// x times the normal distribution function of x.
struct Gelu {
  template <class T>
  static T distribution(T x) {
    return T(0.5) * std::erfc(-x * T(0.70710678118654752));
  }
  template <class T>
  T value(T x) const {
    return x * distribution(x);
  }
  template <class T>
  T slope(T x, T /*y*/) const {
    return distribution(x) + x * T(0.39894228040143268) * std::exp(T(-0.5) * x * x);
  }
};

template <class F, class T>
void pointwise_forward(const F& f, int64_t count, const T* x, T* y) {
  for (int64_t i = 0; i < count; ++i) y[i] = f.value(x[i]);
}

// dx = dy * f'(x). x or y is null where f does not read it.
template <class F, class T>
void pointwise_backward(const F& f, int64_t count, const T* x, const T* y, const T* dy, T* dx) {
  for (int64_t i = 0; i < count; ++i) dx[i] = dy[i] * f.slope(x ? x[i] : T(0), y ? y[i] : T(0));
}

}  // namespace fovea::ref
