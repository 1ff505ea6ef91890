#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "explain/chart_axes.h"
#include "explain/svg.h"
#include "fovea/chart.h"
#include "fovea/error.h"

namespace fovea {

namespace {

constexpr double width = 480;
constexpr double height = 320;
constexpr double left = 62, right = width - 14, bottom = height - 48;
constexpr double letters = 13;

// Of one axis: numbers to pixels, by way of their logarithms where it is logarithmic.
class Axis {
 public:
  Axis(bool logarithmic, double from, double to) : logarithmic_(logarithmic), scale_{0, 0, from, to} {}

  bool holds(double value) const { return std::isfinite(value) && (!logarithmic_ || value > 0); }
  void include(double value) {
    low_ = std::min(low_, place(value));
    high_ = std::max(high_, place(value));
  }
  // Once every number is included: leaves `room` (a fraction of the range) at both ends.
  void finish(double room) {
    const double range = high_ - low_;
    const double rim = range > 0 ? room * range : std::max(std::abs(low_) * 0.1, 0.5);
    scale_.low = low_ - rim;
    scale_.high = high_ + rim;
  }
  double operator()(double value) const { return scale_(place(value)); }

  // Numbers worth a line: 1, 2 and 5 times powers of ten.
  std::vector<double> ticks(double count) const {
    std::vector<double> values;
    if (logarithmic_ && scale_.high - scale_.low > 1) {
      const double step = std::ceil((scale_.high - scale_.low) / 8);
      for (double power = std::ceil(scale_.low); power <= scale_.high; power += step) {
        values.push_back(std::pow(10, power));
      }
      return values;
    }
    const double low = logarithmic_ ? std::pow(10, scale_.low) : scale_.low;
    const double high = logarithmic_ ? std::pow(10, scale_.high) : scale_.high;
    const double step = nice_step(high - low, count);
    for (double i = std::ceil(low / step); i * step <= high; ++i) values.push_back(i * step + 0.0);  // no -0
    return values;
  }

 private:
  double place(double value) const { return logarithmic_ ? std::log10(value) : value; }

  bool logarithmic_;
  double low_ = std::numeric_limits<double>::infinity();
  double high_ = -std::numeric_limits<double>::infinity();
  Scale scale_;
};

class Drawing {
 public:
  explicit Drawing(const LineChart& chart) : chart_(chart) {
    place_names();
    y_ = Axis(chart.log_y, bottom, top_);
    bool empty = true;
    for (const Series& series : chart.series) {
      for (size_t i = 0; i < series.x.size(); ++i) {
        if (!holds(series, i)) continue;
        x_.include(series.x[i]);
        y_.include(series.y[i]);
        empty = false;
      }
    }
    if (empty) throw Error(ErrorKind::usage, fmt::format("chart '{}' has no point that can be drawn", chart.title));
    x_.finish(0.02);
    y_.finish(0.05);
  }

  std::string draw() && {
    svg_.text({width / 2, 22}, chart_.title, 15, Anchor::middle, R"(fill="#222" font-weight="bold")");
    draw_axes();
    for (size_t i = 0; i < chart_.series.size(); ++i) draw_series(i);
    draw_names();
    return std::move(svg_).finish();
  }

 private:
  struct Name {
    double x;
    int line;
  };

  bool holds(const Series& series, size_t i) const { return x_.holds(series.x[i]) && y_.holds(series.y[i]); }
  static const char* colour(size_t series) { return chart_colours[series % chart_colours.size()]; }

  // Names stand in lines under the title, as many to a line as there is room for.
  void place_names() {
    double x = left;
    int line = 0;
    for (const Series& series : chart_.series) {
      const double extent = 30 + Svg::text_width(series.name, letters) + 14;
      if (x > left && x + extent > right) {
        x = left;
        ++line;
      }
      names_.push_back({x, line});
      x += extent;
    }
    top_ = 36 + (has_names() ? 18.0 * (line + 1) : 0);
  }
  bool has_names() const {
    return std::ranges::any_of(chart_.series, [](const Series& series) { return !series.name.empty(); });
  }

  void draw_names() {
    if (!has_names()) return;
    for (size_t i = 0; i < names_.size(); ++i) {
      const double y = 40 + 18.0 * names_[i].line;
      svg_.line({names_[i].x, y - 4}, {names_[i].x + 22, y - 4}, stroke(i));
      svg_.text({names_[i].x + 27, y}, chart_.series[i].name, letters, Anchor::start,
                fmt::format("fill=\"{}\"", colour(i)));
    }
  }

  void draw_axes() {
    for (const double value : x_.ticks(7)) {
      svg_.line({x_(value), top_}, {x_(value), bottom}, "stroke=\"#e6e6e6\"");
      svg_.text({x_(value), bottom + 17}, fmt::format("{:.6g}", value), 12, Anchor::middle, "fill=\"#444\"");
    }
    for (const double value : y_.ticks(6)) {
      svg_.line({left, y_(value)}, {right, y_(value)}, "stroke=\"#e6e6e6\"");
      svg_.text({left - 6, y_(value) + 4}, fmt::format("{:.6g}", value), 12, Anchor::end, "fill=\"#444\"");
    }
    svg_.rectangle({left, top_}, right - left, bottom - top_, R"(fill="none" stroke="#999")");
    svg_.text({(left + right) / 2, height - 12}, chart_.x_label, letters, Anchor::middle, "fill=\"#222\"");
    const double middle = (top_ + bottom) / 2;
    svg_.text({16, middle}, chart_.y_label, letters, Anchor::middle,
              fmt::format("fill=\"#222\" transform=\"rotate(-90 16 {:.1f})\"", middle));
  }

  std::string stroke(size_t series) const {
    return fmt::format(R"(fill="none" stroke="{}" stroke-width="2" stroke-linejoin="round"{})", colour(series),
                       chart_.series[series].dashed ? " stroke-dasharray=\"6 4\"" : "");
  }

  void draw_series(size_t number) {
    const Series& series = chart_.series[number];
    std::string path;
    size_t run = 0;  // points joined so far
    for (size_t i = 0; i <= series.x.size(); ++i) {
      if (i < series.x.size() && holds(series, i)) {
        path += fmt::format("{}{:.1f} {:.1f} ", run == 0 ? "M " : "L ", x_(series.x[i]), y_(series.y[i]));
        ++run;
        continue;
      }
      if (run == 1) {
        svg_.circle({x_(series.x[i - 1]), y_(series.y[i - 1])}, 3, fmt::format("fill=\"{}\"", colour(number)));
      }
      run = 0;
    }
    if (!path.empty()) svg_.path(path, stroke(number));
  }

  const LineChart& chart_;
  std::vector<Name> names_;
  double top_ = 0;
  Axis x_{chart_.log_x, left, right};
  Axis y_{false, 0, 0};
  Svg svg_{width, height};
};

}  // namespace

std::string to_svg(const LineChart& chart) {
  for (const Series& series : chart.series) {
    if (series.x.size() == series.y.size()) continue;
    throw Error(ErrorKind::usage, fmt::format("line '{}' has {} x and {} y; it needs one y for each x", series.name,
                                              series.x.size(), series.y.size()));
  }
  return Drawing(chart).draw();
}

}  // namespace fovea
