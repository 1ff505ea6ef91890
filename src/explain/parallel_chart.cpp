#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "explain/chart_axes.h"
#include "explain/svg.h"
#include "fovea/chart.h"
#include "fovea/error.h"

namespace fovea {

namespace {

constexpr double gap = 150;  // between two axes
constexpr double top = 76, bottom = 400, height = 440, rim = 80;
constexpr int ticks = 5;

double place(const ParallelAxis& axis, double value) { return axis.logarithmic ? std::log10(value) : value; }

Scale scale_of(const ParallelChart& chart, size_t axis) {
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  for (const std::vector<double>& line : chart.lines) {
    low = std::min(low, place(chart.axes[axis], line[axis]));
    high = std::max(high, place(chart.axes[axis], line[axis]));
  }
  if (!chart.axes[axis].words.empty()) {
    low = 0;
    high = static_cast<double>(chart.axes[axis].words.size()) - 1;
  }
  if (low == high) {
    low -= 0.5;
    high += 0.5;
  }
  return {low, high, bottom, top};
}

// Grey for the worst, over blue, to red for the best.
std::string colour_of(double fraction) {
  const auto mix = [&](int low, int middle, int high) {
    const double x = 2 * fraction;
    return static_cast<int>(std::lround(x < 1 ? low + x * (middle - low) : middle + (x - 1) * (high - middle)));
  };
  return fmt::format("#{:02x}{:02x}{:02x}", mix(0xc8, 0x1f, 0xc2), mix(0xcc, 0x6f, 0x2f), mix(0xd2, 0xb4, 0x30));
}

void check(const ParallelChart& chart) {
  const auto refuse = [&](const std::string& what) {
    throw Error(ErrorKind::usage, fmt::format("chart '{}': {}", chart.title, what));
  };
  if (chart.axes.empty() || chart.lines.empty()) refuse("needs at least one axis and one line");
  for (const std::vector<double>& line : chart.lines) {
    if (line.size() != chart.axes.size()) {
      refuse(fmt::format("a line has {} numbers for {} axes", line.size(), chart.axes.size()));
    }
    for (size_t i = 0; i < line.size(); ++i) {
      const ParallelAxis& axis = chart.axes[i];
      const bool fits = axis.words.empty() ? std::isfinite(line[i]) && (!axis.logarithmic || line[i] > 0)
                                           : line[i] >= 0 && line[i] < static_cast<double>(axis.words.size());
      if (!fits) refuse(fmt::format("{} has no place on axis '{}'", line[i], axis.name));
    }
  }
}

void draw_axis(Svg& svg, const ParallelAxis& axis, const Scale& scale, double x) {
  svg.line({x, top}, {x, bottom}, "stroke=\"#555\"");
  svg.text({x, top - 16}, axis.name, 13, Anchor::middle, R"(fill="#222" font-weight="bold")");
  const auto label = [&](double at, const std::string& words) {
    svg.line({x - 4, at}, {x + 4, at}, "stroke=\"#555\"");
    svg.text({x + 7, at + 4}, words, 11, Anchor::start,
             R"(fill="#333" stroke="#fff" stroke-width="3" paint-order="stroke")");
  };
  for (size_t i = 0; i < axis.words.size(); ++i) label(scale(static_cast<double>(i)), axis.words[i]);
  if (!axis.words.empty()) return;
  for (int i = 0; i < ticks; ++i) {
    const double at = scale.low + (scale.high - scale.low) * i / (ticks - 1);
    label(scale(at), fmt::format("{:.3g}", axis.logarithmic ? std::pow(10, at) : at));
  }
}

}  // namespace

std::string to_svg(const ParallelChart& chart) {
  check(chart);
  std::vector<Scale> scales;
  for (size_t i = 0; i < chart.axes.size(); ++i) scales.push_back(scale_of(chart, i));
  const auto x = [&](size_t axis) { return rim + gap * static_cast<double>(axis); };
  Svg svg(2 * rim + gap * static_cast<double>(chart.axes.size() - 1) + 40, height);
  svg.text({rim, 26}, chart.title, 15, Anchor::start, R"(fill="#222" font-weight="bold")");

  // The best last, so that nothing hides them.
  std::vector<size_t> order(chart.lines.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, {}, [&](size_t i) { return chart.lines[i].back(); });
  const Scale& judge = scales.back();
  for (size_t rank = 0; rank < order.size(); ++rank) {
    const std::vector<double>& line = chart.lines[order[rank]];
    std::string path;
    for (size_t i = 0; i < line.size(); ++i) {
      path += fmt::format("{}{:.1f} {:.1f} ", i == 0 ? "M " : "L ", x(i), scales[i](place(chart.axes[i], line[i])));
    }
    const double fraction = (place(chart.axes.back(), line.back()) - judge.low) / (judge.high - judge.low);
    const bool best = rank + 1 == order.size();
    svg.path(path, fmt::format(R"(fill="none" stroke="{}" stroke-width="{}" stroke-opacity="{}")", colour_of(fraction),
                               best ? 3 : 1.4, best ? 1 : 0.7));
  }
  for (size_t i = 0; i < chart.axes.size(); ++i) draw_axis(svg, chart.axes[i], scales[i], x(i));
  return std::move(svg).finish();
}

}  // namespace fovea
