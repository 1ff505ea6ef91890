#pragma once

#include <string>
#include <vector>

// Pictures of numbers, as self-contained SVG.
namespace fovea {

class ConfusionMatrix;

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

// Points (x[i], y[i]) joined in this order. Points that are not finite, or not above 0 on a logarithmic axis, are left
// out and leave a gap.
struct Series {
  std::string name{};
  std::vector<double> x{}, y{};
  bool dashed = false;
};

struct LineChart {
  std::string title{};
  std::string x_label{}, y_label{};
  bool log_x = false;
  bool log_y = false;
  std::vector<Series> series{};
};

// Lines over two axes, told apart by colour and by their names under the title; a point by itself is a dot. Small
// enough (480 x 320) to be read on a phone.
// Throws Error(usage) when no point can be drawn, or a series has more x than y or fewer.
std::string to_svg(const LineChart& chart);

// One of the axes of a chart with parallel ones. With words, numbers are places in their list.
struct ParallelAxis {
  std::string name{};
  bool logarithmic = false;
  std::vector<std::string> words{};
};

struct ParallelChart {
  std::string title{};
  std::vector<ParallelAxis> axes{};
  std::vector<std::vector<double>> lines{};  // a number for each axis
};

// Parallel coordinates (Inselberg 1985): a line across all axes for each of many things with many numbers, red where
// the last axis is high, grey where it is low. Throws Error(usage) without axes or lines, or naming a number that has
// no place on its axis.
std::string to_svg(const ParallelChart& chart);

// A matrix of squares, darker where more of a row's items fell, with their counts where there is room: up to 24
// classes. Rows are the true classes, columns the predicted. Throws Error(usage) for a matrix without classes.
std::string to_svg(const ConfusionMatrix& matrix);

}  // namespace fovea
