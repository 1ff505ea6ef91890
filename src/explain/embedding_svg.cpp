// Maps of data sets and matrices of classes as pictures.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "explain/palette.h"
#include "explain/svg.h"
#include "fovea/embedding.h"
#include "fovea/error.h"

namespace fovea {

namespace {

std::string hex(const std::array<uint8_t, 3>& c) { return fmt::format("#{:02x}{:02x}{:02x}", c[0], c[1], c[2]); }

std::string colour_of(int64_t label) { return hex(class_colours[static_cast<size_t>(label) % class_colours.size()]); }

// White at 0, blue at -1, red at 1.
std::string diverging(double value) {
  const double strength = std::min(1.0, std::abs(value));
  const std::array<double, 3> full =
      value < 0 ? std::array<double, 3>{33, 102, 172} : std::array<double, 3>{178, 24, 43};
  std::array<uint8_t, 3> mixed{};
  for (size_t c = 0; c < 3; ++c) mixed[c] = static_cast<uint8_t>(std::lround(255 + strength * (full[c] - 255)));
  return hex(mixed);
}

std::string shortened(const std::string& name, size_t letters) {
  return name.size() <= letters ? name : name.substr(0, letters - 1) + "~";
}

}  // namespace

std::string embedding_svg(const Tensor& points, std::span<const int64_t> labels,
                          const std::vector<std::string>& class_names, std::span<const std::string> texts,
                          const std::string& title) {
  const int64_t count = points.shape().rank() == 2 && points.shape()[1] == 2 ? points.shape()[0] : 0;
  if (count == 0 || std::ssize(labels) != count || std::ssize(texts) != count) {
    throw Error(ErrorKind::usage,
                fmt::format("a map has points {{N, 2}} with a label and a text each, got {}, {} and {}",
                            to_string(points.shape()), labels.size(), texts.size()));
  }
  constexpr double side = 640, margin = 20, top = 44, legend = 190;
  std::array<double, 2> low = {1e300, 1e300}, high = {-1e300, -1e300};
  for (int64_t i = 0; i < 2 * count; ++i) {
    const auto axis = static_cast<size_t>(i % 2);
    low[axis] = std::min(low[axis], static_cast<double>(points[i]));
    high[axis] = std::max(high[axis], static_cast<double>(points[i]));
  }
  const double span = std::max({high[0] - low[0], high[1] - low[1], 1e-30});
  const bool has_legend = class_names.size() <= class_colours.size();
  Svg svg(side + 2 * margin + (has_legend ? legend : 0), side + top + margin);
  svg.text({margin, 28}, title, 16, Anchor::start);
  for (int64_t n = 0; n < count; ++n) {
    const Point at{
        margin + side * (static_cast<double>(points[2 * n]) - low[0] + (span - high[0] + low[0]) / 2) / span,
        top + side * (high[1] - static_cast<double>(points[2 * n + 1]) + (span - high[1] + low[1]) / 2) / span};
    const std::string style = fmt::format(R"(fill="{}" fill-opacity="0.8")", colour_of(labels[static_cast<size_t>(n)]));
    svg.with_tooltip(texts[static_cast<size_t>(n)], [&] { svg.circle(at, 3.5, style); });
  }
  for (size_t k = 0; has_legend && k < class_names.size(); ++k) {
    const double y = top + 14 + 22 * static_cast<double>(k);
    svg.circle({side + 2 * margin + 6, y}, 6, fmt::format(R"(fill="{}")", colour_of(static_cast<int64_t>(k))));
    svg.text({side + 2 * margin + 20, y + 4}, shortened(class_names[k], 24), 13, Anchor::start);
  }
  return std::move(svg).finish();
}

std::string similarity_svg(const Tensor& matrix, const std::vector<std::string>& class_names,
                           const std::string& title) {
  const auto count = std::ssize(class_names);
  if (count == 0 || matrix.shape() != Shape{count, count}) {
    throw Error(ErrorKind::usage,
                fmt::format("{} classes have no matrix of {}", class_names.size(), to_string(matrix.shape())));
  }
  const double cell = std::clamp(640.0 / static_cast<double>(count), 2.0, 40.0);
  const bool has_names = cell >= 10;
  const double left = has_names ? 150 : 20, top = 44, extent = cell * static_cast<double>(count);
  Svg svg(left + extent + 20, top + extent + 20);
  svg.text({20, 28}, title, 16, Anchor::start);
  for (int64_t i = 0; i < count; ++i) {
    const double y = top + cell * static_cast<double>(i);
    const std::string& name = class_names[static_cast<size_t>(i)];
    if (has_names) svg.text({left - 6, y + cell / 2 + 4}, shortened(name, 20), 12, Anchor::end);
    for (int64_t j = 0; j < count; ++j) {
      const auto value = static_cast<double>(matrix[i * count + j]);
      svg.with_tooltip(fmt::format("{} / {}: {:.2f}", name, class_names[static_cast<size_t>(j)], value), [&] {
        svg.rectangle({left + cell * static_cast<double>(j), y}, cell, cell,
                      fmt::format(R"(fill="{}")", diverging(value)));
      });
    }
  }
  return std::move(svg).finish();
}

}  // namespace fovea
