#include "explain/label_places.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

namespace fovea {

namespace {

double overlap(const Box& a, const Box& b) {
  const double width = std::min(a.right, b.right) - std::max(a.left, b.left);
  const double height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
  return width > 0 && height > 0 ? width * height : 0;
}

bool contains(const Box& outer, const Box& inner) {
  return inner.left >= outer.left && inner.right <= outer.right && inner.top >= outer.top &&
         inner.bottom <= outer.bottom;
}

// A label beside its disc, `gap` away, in one of eight directions: right, left, above, below, then the corners.
Box beside(const Labelled& disc, int direction, double gap) {
  constexpr std::array<Point, 8> directions = {{{1, 0}, {-1, 0}, {0, -1}, {0, 1}, {1, -1}, {1, 1}, {-1, -1}, {-1, 1}}};
  const Point to = directions[static_cast<size_t>(direction)];
  const double reach = (disc.radius + gap) * (to.x != 0 && to.y != 0 ? std::sqrt(0.5) : 1);
  const double x = disc.centre.x + to.x * (reach + disc.width / 2);
  const double y = disc.centre.y + to.y * (reach + disc.height / 2);
  return {x - disc.width / 2, y - disc.height / 2, x + disc.width / 2, y + disc.height / 2};
}

constexpr std::array gaps = {2.0, 10.0, 20.0, 32.0, 46.0, 62.0, 80.0, 100.0};

class Search {
 public:
  Search(const std::vector<Labelled>& discs, const Box& frame) : discs_(discs), frame_(frame), places_(discs.size()) {
    for (size_t i = 0; i < discs.size(); ++i) places_[i] = beside(discs[i], 0, gaps[0]);
  }

  // Moves each label to where it is best while the others stay.
  void sweep() {
    for (size_t i = 0; i < discs_.size(); ++i) {
      double best = std::numeric_limits<double>::max();
      Box place = places_[i];
      for (const double gap : gaps) {
        for (int direction = 0; direction < 8; ++direction) {
          const Box candidate = beside(discs_[i], direction, gap);
          const double cost = this->cost(i, candidate) + 6 * gap + direction;
          if (cost >= best || !contains(frame_, candidate)) continue;
          best = cost;
          place = candidate;
        }
      }
      places_[i] = place;
    }
  }

  const std::vector<Box>& places() const { return places_; }

 private:
  double cost(size_t label, const Box& box) const {
    double cost = 0;
    for (size_t other = 0; other < discs_.size(); ++other) {
      if (other == label) continue;
      cost += 20 * overlap(box, places_[other]);
      // The middle of a disc is where one looks for it; its rim may lie under text.
      const double core = std::clamp(discs_[other].radius / 2, 3.0, 8.0);
      const Point at = discs_[other].centre;
      cost += 8 * overlap(box, {at.x - core, at.y - core, at.x + core, at.y + core});
    }
    return cost;
  }

  const std::vector<Labelled>& discs_;
  Box frame_;
  std::vector<Box> places_;
};

}  // namespace

std::vector<Box> place_labels(const std::vector<Labelled>& discs, const Box& frame) {
  constexpr int sweeps = 12;
  Search search(discs, frame);
  for (int i = 0; i < sweeps; ++i) search.sweep();
  return search.places();
}

}  // namespace fovea
