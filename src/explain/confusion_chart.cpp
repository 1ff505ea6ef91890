#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "explain/svg.h"
#include "fovea/chart.h"
#include "fovea/error.h"
#include "fovea/metrics.h"

namespace fovea {

namespace {

constexpr int64_t most_with_counts = 24;  // classes
constexpr double letters = 12;

// White to dark blue for the diagonal, to dark red for mistakes.
std::string fill(double fraction, bool right) {
  const double shade = std::sqrt(std::clamp(fraction, 0.0, 1.0));  // a few mistakes among many items still show
  const auto mix = [&](int dark) { return static_cast<int>(std::lround(255 - shade * (255 - dark))); };
  return right ? fmt::format("#{:02x}{:02x}{:02x}", mix(0x1f), mix(0x5f), mix(0xa4))
               : fmt::format("#{:02x}{:02x}{:02x}", mix(0xb8), mix(0x2a), mix(0x2a));
}

}  // namespace

std::string to_svg(const ConfusionMatrix& matrix) {
  const std::vector<std::string>& names = matrix.class_names();
  const auto classes = std::ssize(names);
  if (classes == 0) throw Error(ErrorKind::usage, "a confusion matrix without classes cannot be drawn");
  const bool with_counts = classes <= most_with_counts;
  const double cell = with_counts ? 38 : std::max(1.0, 700.0 / static_cast<double>(classes));
  double name_width = 0;
  for (const std::string& name : names) name_width = std::max(name_width, Svg::text_width(name, letters));
  const double margin = with_counts ? std::min(name_width, 180.0) + 34 : 34;
  const double side = cell * static_cast<double>(classes);
  const double half_heading = Svg::text_width("predicted class", letters + 1) / 2;
  const double extent =
      margin + side / 2 + 8 + std::max(side / 2, half_heading);  // of few classes the heading is wider
  Svg svg(extent, extent);
  const auto at = [&](int64_t k) { return margin + cell * static_cast<double>(k); };

  svg.text({margin + side / 2, 16}, "predicted class", letters + 1, Anchor::middle, "fill=\"#222\"");
  svg.text({16, margin + side / 2}, "true class", letters + 1, Anchor::middle,
           fmt::format("fill=\"#222\" transform=\"rotate(-90 16 {:.1f})\"", margin + side / 2));
  for (int64_t label = 0; label < classes; ++label) {
    int64_t items = 0;
    for (int64_t k = 0; k < classes; ++k) items += matrix.count(label, k);
    for (int64_t k = 0; k < classes; ++k) {
      const int64_t count = matrix.count(label, k);
      if (count == 0) continue;
      const double fraction = static_cast<double>(count) / static_cast<double>(items);
      svg.with_tooltip(fmt::format("{} taken for {}: {} of {}", names[label], names[k], count, items), [&] {
        svg.rectangle({at(k), at(label)}, cell, cell, fmt::format("fill=\"{}\"", fill(fraction, label == k)));
      });
      if (!with_counts) continue;
      svg.text({at(k) + cell / 2, at(label) + cell / 2 + 4}, fmt::format("{}", count), letters, Anchor::middle,
               fraction > 0.3 ? "fill=\"#fff\"" : "fill=\"#222\"");
    }
    if (!with_counts) continue;
    const double middle = at(label) + cell / 2 + 4;
    svg.text({margin - 6, middle}, names[label], letters, Anchor::end, "fill=\"#222\"");
    svg.text({middle, margin - 6}, names[label], letters, Anchor::start,
             fmt::format("fill=\"#222\" transform=\"rotate(-90 {:.1f} {:.1f})\"", middle, margin - 6));
  }
  svg.rectangle({margin, margin}, side, side, R"(fill="none" stroke="#999")");
  return std::move(svg).finish();
}

}  // namespace fovea
