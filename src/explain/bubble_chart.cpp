#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include "core/units.h"
#include "explain/chart_axes.h"
#include "explain/label_places.h"
#include "explain/svg.h"
#include "fovea/chart.h"
#include "fovea/error.h"

namespace fovea {

namespace {

constexpr double width = 1200;
constexpr double height = 800;
constexpr Box frame = {70, 56, width - 30, height - 64};
constexpr double label_size = 11;
constexpr double largest_radius = 46;

double log_of(const Bubble& bubble) { return std::log10(bubble.x); }

class Drawing {
 public:
  explicit Drawing(const BubbleChart& chart) : chart_(chart), bubbles_(chart.bubbles) {
    // Large ones first, so that they hide none.
    std::ranges::stable_sort(bubbles_, std::ranges::greater(), &Bubble::area);
    const auto [left, right] = std::ranges::minmax(bubbles_, {}, log_of);
    const auto [bottom, top] = std::ranges::minmax(bubbles_, {}, &Bubble::y);
    // Room for the bubbles at the rim.
    const double x_room = std::max(0.06 * (log_of(right) - log_of(left)), 0.1);
    const double y_room = std::max(0.08 * (top.y - bottom.y), 0.5);
    x_ = {log_of(left) - x_room, log_of(right) + x_room, frame.left, frame.right};
    y_ = {bottom.y - y_room, top.y + y_room, frame.bottom, frame.top};
    for (const Bubble& bubble : chart.bubbles) {
      group_colour_.try_emplace(bubble.group, chart_colours[group_colour_.size() % chart_colours.size()]);
    }
  }

  std::string draw() && {
    svg_.text({width / 2, 32}, chart_.title, 18, Anchor::middle, "fill=\"#222\"");
    draw_x_axis();
    draw_y_axis();
    svg_.rectangle({frame.left, frame.top}, frame.right - frame.left, frame.bottom - frame.top,
                   R"(fill="none" stroke="#999")");
    draw_bubbles();
    draw_labels();
    draw_area_scale();
    return std::move(svg_).finish();
  }

 private:
  Point centre(const Bubble& bubble) const { return {x_(log_of(bubble)), y_(bubble.y)}; }
  double radius(double area) const {
    const double largest = bubbles_.front().area;
    return largest > 0 ? std::max(1.5, largest_radius * std::sqrt(area / largest)) : 4;
  }
  std::string colour(const Bubble& bubble) const { return group_colour_.at(bubble.group); }

  void draw_x_axis() {
    for (auto power = static_cast<int>(std::floor(x_.low)); power <= x_.high; ++power) {
      for (const int factor : {1, 2, 5}) {
        const double value = factor * std::pow(10, power);
        const double x = x_(std::log10(value));
        if (x < frame.left || x > frame.right) continue;
        svg_.line({x, frame.top}, {x, frame.bottom}, "stroke=\"#e6e6e6\"");
        svg_.text({x, frame.bottom + 18}, with_unit(std::llround(value)), 12, Anchor::middle, "fill=\"#444\"");
      }
    }
    svg_.text({(frame.left + frame.right) / 2, height - 18}, chart_.x_label, 14, Anchor::middle, "fill=\"#222\"");
  }

  void draw_y_axis() {
    const double step = nice_step(y_.high - y_.low, 9);
    for (double value = std::ceil(y_.low / step) * step; value <= y_.high; value += step) {
      const double y = y_(value);
      svg_.line({frame.left, y}, {frame.right, y}, "stroke=\"#e6e6e6\"");
      svg_.text({frame.left - 8, y + 4}, fmt::format("{:.6g}", value), 12, Anchor::end, "fill=\"#444\"");
    }
    const double middle = (frame.top + frame.bottom) / 2;
    svg_.text({22, middle}, chart_.y_label, 14, Anchor::middle,
              fmt::format("fill=\"#222\" transform=\"rotate(-90 22 {:.1f})\"", middle));
  }

  void draw_bubbles() {
    for (const Bubble& bubble : bubbles_) {
      const std::string words =
          fmt::format("{}: {} {}, {} {:.6g}, {} {}", bubble.name, chart_.x_label, with_unit(std::llround(bubble.x)),
                      chart_.y_label, bubble.y, chart_.area_label, with_unit(std::llround(bubble.area)));
      svg_.with_tooltip(words, [&] {
        svg_.circle(centre(bubble), radius(bubble.area),
                    fmt::format(R"(fill="{0}" fill-opacity="0.25" stroke="{0}" stroke-opacity="0.8")", colour(bubble)));
      });
    }
  }

  void draw_labels() {
    std::vector<Labelled> discs;
    for (const Bubble& bubble : bubbles_) {
      discs.push_back({centre(bubble), radius(bubble.area), Svg::text_width(bubble.name, label_size), label_size + 1});
    }
    const std::vector<Box> places = place_labels(discs, frame);
    for (size_t i = 0; i < places.size(); ++i) {
      const Box& place = places[i];
      const Point near = {std::clamp(discs[i].centre.x, place.left, place.right),
                          std::clamp(discs[i].centre.y, place.top, place.bottom)};
      const double distance = std::hypot(near.x - discs[i].centre.x, near.y - discs[i].centre.y);
      if (distance > discs[i].radius + 6) {  // too far to be told whose it is
        svg_.line(discs[i].centre, near, fmt::format(R"(stroke="{}" stroke-width="0.6")", colour(bubbles_[i])));
      }
      svg_.text({(place.left + place.right) / 2, place.bottom - 3}, bubbles_[i].name, label_size, Anchor::middle,
                fmt::format("fill=\"{}\"", colour(bubbles_[i])));
    }
  }

  // Three bubbles of known area in the corner below the crowd.
  void draw_area_scale() {
    const double largest = bubbles_.front().area;
    if (largest <= 0) return;
    const double power = std::pow(10, std::floor(std::log10(largest)));
    double x = frame.right - 20;
    const double y = frame.bottom - 62;
    for (const double area : {power, power / 10, power / 100}) {
      const double r = radius(area);
      x -= r;
      svg_.circle({x, y}, r, R"(fill="#888" fill-opacity="0.2" stroke="#888")");
      svg_.text({x, frame.bottom - 12}, with_unit(std::llround(area)), label_size, Anchor::middle, "fill=\"#444\"");
      x -= r + 28;
    }
    svg_.text({x, y + 4}, chart_.area_label, 12, Anchor::end, "fill=\"#444\"");
  }

  const BubbleChart& chart_;
  std::vector<Bubble> bubbles_;
  Scale x_{}, y_{};
  std::map<std::string, const char*> group_colour_;
  Svg svg_{width, height};
};

}  // namespace

std::string to_svg(const BubbleChart& chart) {
  if (chart.bubbles.empty()) throw Error(ErrorKind::usage, "a bubble chart needs at least one bubble");
  for (const Bubble& bubble : chart.bubbles) {
    if (std::isfinite(bubble.x) && bubble.x > 0 && std::isfinite(bubble.y) && std::isfinite(bubble.area) &&
        bubble.area >= 0) {
      continue;
    }
    throw Error(ErrorKind::usage,
                fmt::format("bubble '{}' must have x above 0, finite y and area of at least 0, got {}, {} and {}",
                            bubble.name, bubble.x, bubble.y, bubble.area));
  }
  return Drawing(chart).draw();
}

}  // namespace fovea
