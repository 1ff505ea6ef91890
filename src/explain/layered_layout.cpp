#include "explain/layered_layout.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "explain/layers.h"

namespace fovea {

namespace {

constexpr double level_gap = 26;  // between levels: room for edges to bend
constexpr double column_gap = 40;

struct Column {
  size_t first = 0, last = 0;  // levels
  double left = 0;             // where it begins on the page
  double shift = 0;            // from the layers' x to the page's
  double width = 0;
};

class Page {
 public:
  Page(const Layers& layers, double aspect) : layers_(layers) {
    for (const std::vector<int>& level : layers.levels()) {
      double tallest = 0;
      for (const int i : level) tallest = std::max(tallest, layers.item(i).height);
      heights_.push_back(tallest);
    }
    fold(aspect);
    place_columns();
  }

  Layout finish(size_t boxes) {
    Layout layout;
    for (size_t i = 0; i < boxes; ++i) {
      const Item& box = layers_.item(static_cast<int>(i));
      const Point centre = centre_of(box);
      layout.corners.push_back({centre.x - box.width / 2, centre.y - box.height / 2});
    }
    for (const std::vector<int>& path : layers_.paths()) layout.routes.push_back(route(path));
    for (const Column& column : columns_) layout.width = std::max(layout.width, column.left + column.width);
    layout.height = bottom_ + wraps_ * lane_width + level_gap;
    return layout;
  }

 private:
  double span(size_t first, size_t last) const {
    double height = 0;
    for (size_t level = first; level <= last; ++level) height += heights_[level] + level_gap;
    return height;
  }
  // Left and right ends of some levels.
  std::pair<double, double> ends(size_t first, size_t last) const {
    double left = 0;
    double right = 0;
    bool any = false;
    for (size_t level = first; level <= last; ++level) {
      for (const int i : layers_.levels()[level]) {
        const Item& item = layers_.item(i);
        left = any ? std::min(left, item.x - item.width / 2) : item.x - item.width / 2;
        right = any ? std::max(right, item.x + item.width / 2) : item.x + item.width / 2;
        any = true;
      }
    }
    return {left, right};
  }

  // Cuts near equal heights, where as few edges as possible go on.
  void fold(double aspect) {
    const size_t count = heights_.size();
    const double height = span(0, count - 1);
    const auto [left, right] = ends(0, count - 1);
    const double columns = std::max(1.0, std::round(std::sqrt(aspect * height / (right - left + column_gap))));
    const double target = height / columns;
    size_t first = 0;
    while (first < count) {
      size_t best = count - 1;
      double best_cost = std::numeric_limits<double>::infinity();
      double tall = 0;
      for (size_t level = first; level < count && tall < 1.35 * target; ++level) {
        tall += heights_[level] + level_gap;
        if (tall < 0.5 * target) continue;
        const double cost =
            level + 1 == count ? -1 : static_cast<double>(layers_.lanes_below(level)) + 4 * std::abs(tall / target - 1);
        if (cost >= best_cost) continue;
        best_cost = cost;
        best = level;
      }
      columns_.push_back({.first = first, .last = best});
      first = best + 1;
    }
  }

  void place_columns() {
    column_of_.resize(heights_.size());
    tops_.resize(heights_.size());
    size_t most = 0;
    for (size_t c = 0; c + 1 < columns_.size(); ++c) most = std::max(most, layers_.lanes_below(columns_[c].last));
    wraps_ = static_cast<double>(most);
    const double top = columns_.size() > 1 ? wraps_ * lane_width + level_gap : 0;
    double x = 0;
    for (size_t c = 0; c < columns_.size(); ++c) {
      Column& column = columns_[c];
      const auto [left, right] = ends(column.first, column.last);
      column.left = x;
      column.width = right - left;
      column.shift = x - left;
      x += column.width + column_gap + wraps_ * lane_width;
      double y = top;
      for (size_t level = column.first; level <= column.last; ++level) {
        column_of_[level] = c;
        tops_[level] = y;
        y += heights_[level] + level_gap;
      }
      bottom_ = std::max(bottom_, y);
    }
  }

  Point centre_of(const Item& item) const {
    const auto level = static_cast<size_t>(item.level);
    return {item.x + columns_[column_of_[level]].shift, tops_[level] + heights_[level] / 2};
  }

  std::vector<Point> route(const std::vector<int>& path) {
    std::vector<Point> points;
    for (size_t k = 0; k < path.size(); ++k) {
      const Item& item = layers_.item(path[k]);
      const auto level = static_cast<size_t>(item.level);
      if (k > 0 && column_of_[level] != column_of_[level - 1]) wrap(points, path[k - 1], item);
      const Point centre = centre_of(item);
      // Edges bend between levels only: within one they run beside its boxes.
      if (k > 0) points.push_back({centre.x, tops_[level]});
      if (k > 0 && item.is_box) points.push_back({centre.x, centre.y - item.height / 2});
      if (k + 1 < path.size() && item.is_box) points.push_back({centre.x, centre.y + item.height / 2});
      if (k + 1 < path.size()) points.push_back({centre.x, tops_[level] + heights_[level]});
    }
    return points;
  }

  // Down to the foot of the column, up between the columns, and over the head of the next. Edges from one item share
  // their lane.
  void wrap(std::vector<Point>& points, int from, const Item& to) {
    const auto level = static_cast<size_t>(layers_.item(from).level);
    const Column& column = columns_[column_of_[level]];
    const std::vector<int>& items = layers_.levels()[level];
    const auto before = std::ranges::count_if(items.begin(), std::ranges::find(items, from),
                                              [&](int i) { return !layers_.item(i).down.empty(); });
    const double offset = lane_width * static_cast<double>(before);
    const double foot = bottom_ + offset;
    const double between = column.left + column.width + column_gap / 2 + offset;
    const double head = wraps_ * lane_width - offset;
    points.push_back({points.back().x, foot});
    points.push_back({between, foot});
    points.push_back({between, head});
    points.push_back({centre_of(to).x, head});
  }

  const Layers& layers_;
  std::vector<double> heights_;  // of the levels
  std::vector<Column> columns_;
  std::vector<size_t> column_of_;
  std::vector<double> tops_;
  double bottom_ = 0;
  double wraps_ = 0;  // most lanes from one column to the next
};

}  // namespace

Layout lay_out(const std::vector<LayoutBox>& boxes, const std::vector<LayoutEdge>& edges, double aspect) {
  if (boxes.empty()) return {};
  const Layers layers(boxes, edges);
  return Page(layers, aspect).finish(boxes.size());
}

}  // namespace fovea
