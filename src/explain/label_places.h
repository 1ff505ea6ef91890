#pragma once

#include <vector>

#include "explain/svg.h"

namespace fovea {

struct Box {
  double left = 0, top = 0, right = 0, bottom = 0;
};

// A disc that wants a label of this size near it.
struct Labelled {
  Point centre;
  double radius = 0;
  double width = 0, height = 0;
};

// A place for each label inside the frame, near its disc: labels cover each other, and the centres of discs, as little
// as a local search finds. The same discs give the same places.
std::vector<Box> place_labels(const std::vector<Labelled>& discs, const Box& frame);

}  // namespace fovea
