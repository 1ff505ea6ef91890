#pragma once

#include <array>
#include <cmath>

// What charts share: colours, scales and the places of ticks.
namespace fovea {

// Dark enough for text on white.
inline constexpr std::array chart_colours = {"#1f6fb4", "#d1600e", "#2a8a2a", "#c22f30", "#7d55ab", "#84533f",
                                             "#c3509a", "#5c5c5c", "#8a8b1d", "#128a9c", "#33508f", "#a8741a",
                                             "#4b7a39", "#8f3a52", "#5a3d99", "#0f766e"};

struct Scale {
  double low, high, from, to;  // numbers, and pixels
  double operator()(double value) const { return from + (value - low) / (high - low) * (to - from); }
};

// A distance of 1, 2 or 5 times a power of ten, `count` of which span about `range`.
inline double nice_step(double range, double count) {
  const double rough = range / count;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough) return factor * power;
  }
  return 10 * power;
}

}  // namespace fovea
