#include "explain/layers.h"

#include <algorithm>

namespace fovea {

namespace {

constexpr double side_gap = 14;  // between neighbours of a level

// The values nearest to `wishes` (least squares) that rise by `gaps` at least: isotonic regression, where neighbours
// that would overlap are pooled.
std::vector<double> spread(const std::vector<double>& wishes, const std::vector<double>& gaps) {
  struct Pool {
    double sum;
    size_t count;
    double mean() const { return sum / static_cast<double>(count); }
  };
  std::vector<double> offsets(wishes.size());
  for (size_t i = 1; i < wishes.size(); ++i) offsets[i] = offsets[i - 1] + gaps[i - 1];
  std::vector<Pool> pools;
  for (size_t i = 0; i < wishes.size(); ++i) {
    pools.push_back({wishes[i] - offsets[i], 1});
    while (pools.size() > 1 && pools[pools.size() - 2].mean() > pools.back().mean()) {
      const Pool last = pools.back();
      pools.pop_back();
      pools.back() = {pools.back().sum + last.sum, pools.back().count + last.count};
    }
  }
  std::vector<double> values;
  for (const Pool& pool : pools) {
    for (size_t k = 0; k < pool.count; ++k) values.push_back(pool.mean() + offsets[values.size()]);
  }
  return values;
}

}  // namespace

Layers::Layers(const std::vector<LayoutBox>& boxes, const std::vector<LayoutEdge>& edges) {
  for (const LayoutBox& box : boxes) items_.push_back({.width = box.width, .height = box.height, .is_box = true});
  for (const LayoutEdge& edge : edges) {
    int& level = item(edge.to).level;
    level = std::max(level, item(edge.from).level + 1);
  }
  for (const LayoutEdge& edge : edges) add_path(edge);
  int deepest = 0;
  for (const Item& i : items_) deepest = std::max(deepest, i.level);
  levels_.resize(static_cast<size_t>(deepest) + 1);
  for (size_t i = 0; i < items_.size(); ++i)
    levels_[static_cast<size_t>(items_[i].level)].push_back(static_cast<int>(i));

  for (int sweep = 0; sweep < 8; ++sweep) order(sweep % 2 == 0);
  for (std::vector<int>& level : levels_) pack(level);
  for (int sweep = 0; sweep < 40; ++sweep) align(sweep % 2 == 0);
}

size_t Layers::lanes_below(size_t level) const {
  return static_cast<size_t>(std::ranges::count_if(levels_[level], [&](int i) { return !item(i).down.empty(); }));
}

void Layers::add_path(const LayoutEdge& edge) {
  std::vector<int> path = {edge.from};
  for (int level = item(edge.from).level + 1; level < item(edge.to).level; ++level) {
    path.push_back(static_cast<int>(items_.size()));
    items_.push_back({.level = level, .width = lane_width});
  }
  path.push_back(edge.to);
  for (size_t k = 1; k < path.size(); ++k) {
    item(path[k - 1]).down.push_back(path[k]);
    item(path[k]).up.push_back(path[k - 1]);
  }
  paths_.push_back(std::move(path));
}

// Sorts every level by the mean place of the neighbours in the one before (downwards) or after.
void Layers::order(bool downwards) {
  std::vector<double> places(items_.size());
  const auto note = [&](const std::vector<int>& level) {
    for (size_t k = 0; k < level.size(); ++k) {
      places[static_cast<size_t>(level[k])] = (static_cast<double>(k) + 0.5) / static_cast<double>(level.size());
    }
  };
  for (size_t k = 0; k < levels_.size(); ++k) {
    std::vector<int>& level = levels_[downwards ? k : levels_.size() - 1 - k];
    note(level);
    std::vector<double> wishes(items_.size());
    for (const int i : level) {
      const std::vector<int>& neighbours = downwards ? item(i).up : item(i).down;
      double sum = 0;
      for (const int n : neighbours) sum += places[static_cast<size_t>(n)];
      wishes[static_cast<size_t>(i)] =
          neighbours.empty() ? places[static_cast<size_t>(i)] : sum / static_cast<double>(neighbours.size());
    }
    std::ranges::stable_sort(level, {}, [&](int i) { return wishes[static_cast<size_t>(i)]; });
    note(level);
  }
}

double Layers::distance(int left, int right) const { return (item(left).width + item(right).width) / 2 + side_gap; }

void Layers::pack(const std::vector<int>& level) {
  double x = 0;
  for (size_t k = 0; k < level.size(); ++k) {
    if (k > 0) x += distance(level[k - 1], level[k]);
    item(level[k]).x = x;
  }
  for (const int i : level) item(i).x -= x / 2;
}

// Moves every item between its neighbours above and below, as far as those beside it allow.
void Layers::align(bool downwards) {
  const auto mean = [&](const std::vector<int>& neighbours) {
    double sum = 0;
    for (const int n : neighbours) sum += item(n).x;
    return sum / static_cast<double>(neighbours.size());
  };
  for (size_t k = 0; k < levels_.size(); ++k) {
    const std::vector<int>& level = levels_[downwards ? k : levels_.size() - 1 - k];
    std::vector<double> wishes;
    std::vector<double> gaps;
    for (size_t at = 0; at < level.size(); ++at) {
      const Item& one = item(level[at]);
      const double above = one.up.empty() ? one.x : mean(one.up);
      const double below = one.down.empty() ? above : mean(one.down);
      wishes.push_back(one.up.empty() ? below : (above + below) / 2);
      if (at > 0) gaps.push_back(distance(level[at - 1], level[at]));
    }
    const std::vector<double> places = spread(wishes, gaps);
    for (size_t at = 0; at < level.size(); ++at) item(level[at]).x = places[at];
  }
}

}  // namespace fovea
