#pragma once

#include <vector>

#include "explain/svg.h"

namespace fovea {

struct LayoutBox {
  double width = 0, height = 0;
};

struct LayoutEdge {
  int from = 0, to = 0;  // indices of boxes, from < to; a list of edges is in rising order of `to`
};

struct Layout {
  std::vector<Point> corners;              // of the boxes: left, top
  std::vector<std::vector<Point>> routes;  // of the edges: from the bottom of one box to the top of the other
  double width = 0, height = 0;            // of everything; it starts at 0, 0
};

// Draws a directed acyclic graph from the top to the bottom (Sugiyama et al. 1981): each box lies below those that it
// follows, boxes of a level are ordered so that edges seldom cross, and placed under what they are connected with. A
// tall drawing is folded into columns, where few edges are cut, until it is about as wide as `aspect` times its height.
Layout lay_out(const std::vector<LayoutBox>& boxes, const std::vector<LayoutEdge>& edges, double aspect = 1.5);

}  // namespace fovea
