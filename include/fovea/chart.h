#pragma once

#include <string>
#include <vector>

// Pictures of numbers, as self-contained SVG.
namespace fovea {

struct Bubble {
  std::string name{};
  double x = 0;  // above 0: the axis is logarithmic
  double y = 0;
  double area = 0;      // 0 or more
  std::string group{};  // bubbles of one group share a colour
};

struct BubbleChart {
  std::string title{};
  std::string x_label{}, y_label{}, area_label{};
  std::vector<Bubble> bubbles{};
};

// Bubbles over a logarithmic and a linear axis, as in Canziani et al. 2016 (an analysis of deep neural network models
// for practical applications): the number `area` is the bubble's area, to the scale shown in a corner. Names stand
// beside their bubbles, where they cover each other least. Numbers carry units (K, M, G).
// Throws Error(usage) when there is no bubble, or one's numbers are not finite or out of range.
std::string to_svg(const BubbleChart& chart);

}  // namespace fovea
