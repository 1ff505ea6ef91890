#include "io/preprocessing_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "fovea/error.h"
#include "io/json_values.h"

namespace fovea {

using nlohmann::json;

namespace {

constexpr int64_t max_extent = 1 << 16;  // of a picture, so that products of three fit

constexpr std::array filter_names = {std::pair{ResizeFilter::nearest, "nearest"}, std::pair{ResizeFilter::box, "box"},
                                     std::pair{ResizeFilter::bilinear, "bilinear"},
                                     std::pair{ResizeFilter::bicubic, "bicubic"}};

const char* filter_name(ResizeFilter filter) {
  const auto* entry = filter_names.begin();
  while (entry->first != filter) ++entry;
  return entry->second;
}

ResizeFilter filter_from_name(const std::string& name) {
  const auto* entry = std::ranges::find(filter_names, name, &std::pair<ResizeFilter, const char*>::second);
  if (entry != filter_names.end()) return entry->first;
  throw Error(ErrorKind::format, fmt::format("unknown filter '{}'", name));
}

}  // namespace

json preprocessing_to_json(const Preprocessing& p) {
  return {
      {"height", p.height}, {"width", p.width}, {"channels", p.channels},         {"padding", p.padding},
      {"mean", p.mean},     {"std", p.std},     {"shorter_side", p.shorter_side}, {"filter", filter_name(p.filter)}};
}

Preprocessing preprocessing_from_json(const json& value) {
  const auto extent = [&](const char* key) {
    const int64_t number = json_integer(json_member(value, key));
    if (number < 0 || number > max_extent) {
      throw Error(ErrorKind::format, fmt::format("{} must be 0 to {}, got {}", key, max_extent, number));
    }
    return static_cast<int>(number);
  };
  const auto numbers = [&](const char* key) {
    std::vector<float> list;
    for (const json& item : json_array(value, key)) list.push_back(static_cast<float>(json_number(item)));
    return list;
  };
  Preprocessing p{extent("height"),  extent("width"), extent("channels"),
                  extent("padding"), numbers("mean"), numbers("std")};
  if (value.contains("shorter_side")) p.shorter_side = extent("shorter_side");  // older files lack these two
  if (value.contains("filter")) p.filter = filter_from_name(json_text(value["filter"]));
  return p;
}

void check_preprocessing(const Preprocessing& p, const Graph& graph, const std::string& source) {
  const auto count = static_cast<size_t>(p.channels);
  const bool sane = (p.channels == 1 || p.channels == 3) && 2 * p.padding < p.height && 2 * p.padding < p.width &&
                    p.mean.size() == count && p.std.size() == count &&
                    std::ranges::all_of(p.mean, [](float m) { return std::isfinite(m); }) &&
                    (p.shorter_side == 0 || p.shorter_side >= std::max(p.height, p.width) - 2 * p.padding) &&
                    std::ranges::all_of(p.std, [](float s) { return s > 0 && std::isfinite(s); });
  if (!sane) throw Error(ErrorKind::format, source + ": the preprocessing makes no sense");
  const std::vector<int> inputs = graph.inputs();
  const Shape wanted{1, p.height, p.width, p.channels};
  if (inputs.size() == 1 && graph.node(inputs[0]).shape != wanted) {
    throw Error(ErrorKind::format, fmt::format("{}: the preprocessing gives {}, node '{}' takes {}", source,
                                               to_string(wanted.without_batch()), graph.node(inputs[0]).name,
                                               to_string(graph.node(inputs[0]).shape.without_batch())));
  }
}

std::vector<std::string> class_names_from_json(const json& value) {
  std::vector<std::string> names;
  if (!value.is_array()) throw Error(ErrorKind::format, "a list is expected");
  for (const json& name : value) names.push_back(json_text(name));
  return names;
}

}  // namespace fovea
