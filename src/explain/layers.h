#pragma once

#include <vector>

#include "explain/layered_layout.h"

namespace fovea {

// The gap that edges which run side by side keep.
inline constexpr double lane_width = 8;

// A box, or the place where an edge passes through a level of boxes.
struct Item {
  int level = 0;
  double width = 0, height = 0;
  bool is_box = false;
  double x = 0;                   // of the centre
  std::vector<int> up{}, down{};  // neighbours in the levels above and below
};

// Boxes and edges in levels, each below what it follows, with an order within the level and x.
class Layers {
 public:
  Layers(const std::vector<LayoutBox>& boxes, const std::vector<LayoutEdge>& edges);

  const Item& item(int i) const { return items_[static_cast<size_t>(i)]; }
  const std::vector<std::vector<int>>& levels() const { return levels_; }
  // The items along each edge, both boxes included.
  const std::vector<std::vector<int>>& paths() const { return paths_; }
  // Items of a level that edges go on from.
  size_t lanes_below(size_t level) const;

 private:
  Item& item(int i) { return items_[static_cast<size_t>(i)]; }
  void add_path(const LayoutEdge& edge);
  void order(bool downwards);
  void pack(const std::vector<int>& level);
  void align(bool downwards);
  double distance(int left, int right) const;

  std::vector<Item> items_;
  std::vector<std::vector<int>> levels_;
  std::vector<std::vector<int>> paths_;
};

}  // namespace fovea
