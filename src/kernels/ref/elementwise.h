#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

// More functions as in pointwise.h, which serve as ops of their own only.
namespace fovea::ref {

struct Exp {
  template <class T>
  T value(T x) const {
    return std::exp(x);
  }
  template <class T>
  T slope(T /*x*/, T y) const {
    return y;
  }
};

struct Log {
  template <class T>
  T value(T x) const {
    return std::log(x);
  }
  template <class T>
  T slope(T x, T /*y*/) const {
    return T(1) / x;
  }
};

struct Sqrt {
  template <class T>
  T value(T x) const {
    return std::sqrt(x);
  }
  template <class T>
  T slope(T /*x*/, T y) const {
    return T(0.5) / y;
  }
};

struct Abs {
  template <class T>
  T value(T x) const {
    return std::abs(x);
  }
  template <class T>
  T slope(T x, T /*y*/) const {
    return x > T(0) ? T(1) : x < T(0) ? T(-1) : T(0);
  }
};

struct Negate {
  template <class T>
  T value(T x) const {
    return -x;
  }
  template <class T>
  T slope(T /*x*/, T /*y*/) const {
    return T(-1);
  }
};

// To the nearest whole number, of two the even one. The slope, 0 wherever there is one, counts as 1: straight through.
struct Round {
  template <class T>
  T value(T x) const {
    return std::nearbyint(x);
  }
  template <class T>
  T slope(T /*x*/, T /*y*/) const {
    return T(1);
  }
};

struct Power {
  double exponent;
  auto options() const { return std::array{std::pair<const char*, double>("exponent", exponent)}; }
  template <class T>
  T value(T x) const {
    return std::pow(x, T(exponent));
  }
  template <class T>
  T slope(T x, T /*y*/) const {
    return exponent == 0 ? T(0) : T(exponent) * std::pow(x, T(exponent) - T(1));
  }
};

struct Clip {
  double low, high;
  auto options() const {
    return std::array{std::pair<const char*, double>("low", low), std::pair<const char*, double>("high", high)};
  }
  const char* problem() const { return low <= high ? nullptr : "low must not be above high"; }
  template <class T>
  T value(T x) const {
    return x < T(low) ? T(low) : x > T(high) ? T(high) : x;
  }
  template <class T>
  T slope(T x, T /*y*/) const {
    return x >= T(low) && x <= T(high) ? T(1) : T(0);
  }
};

// max(x, 0) + ln(1 + e^-|x|): no exponent above 0.
struct Softplus {
  template <class T>
  T value(T x) const {
    return std::max(x, T(0)) + std::log1p(std::exp(-std::abs(x)));
  }
  template <class T>
  T slope(T x, T /*y*/) const {
    return T(1) / (T(1) + std::exp(-x));
  }
};

struct Selu {
  static constexpr double alpha = 1.6732632423543772;
  static constexpr double scale = 1.0507009873554805;
  template <class T>
  T value(T x) const {
    return T(scale) * (x > T(0) ? x : T(alpha) * std::expm1(x));
  }
  template <class T>
  T slope(T x, T y) const {
    return x > T(0) ? T(scale) : y + T(scale * alpha);
  }
};

struct Mish {
  template <class T>
  T value(T x) const {
    return x * std::tanh(Softplus{}.value(x));
  }
  template <class T>
  T slope(T x, T /*y*/) const {
    const T t = std::tanh(Softplus{}.value(x));
    return t + x * (T(1) - t * t) * Softplus{}.slope(x, T(0));
  }
};

// |x| - beta / 2, but x^2 / (2 beta) where |x| < beta (Girshick 2015, Fast R-CNN, eq. 3, for beta 1).
struct SmoothAbs {
  double beta;
  auto options() const { return std::array{std::pair<const char*, double>("beta", beta)}; }
  const char* problem() const { return beta > 0 ? nullptr : "beta must be positive"; }
  template <class T>
  T value(T x) const {
    const T size = std::abs(x);
    return size < T(beta) ? x * x / (T(2) * T(beta)) : size - T(0.5) * T(beta);
  }
  template <class T>
  T slope(T x, T /*y*/) const {
    return std::clamp(x / T(beta), T(-1), T(1));
  }
};

}  // namespace fovea::ref
