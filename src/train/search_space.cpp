#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "fovea/error.h"
#include "fovea/random.h"
#include "fovea/search.h"

namespace fovea {

namespace {

using Kind = SearchAxis::Kind;

[[noreturn]] void refuse(const std::string& what) { throw Error(ErrorKind::usage, "search: " + what); }

std::string text_of(const SearchAxis& axis, double value) {
  if (axis.kind == Kind::integer) return fmt::format("{:.0f}", std::clamp(std::round(value), axis.low, axis.high));
  return fmt::format("{:.5g}", value);
}

// The value at a fraction of the axis.
std::string value_at(const SearchAxis& axis, double fraction) {
  switch (axis.kind) {
    case Kind::uniform:
      return text_of(axis, axis.low + fraction * (axis.high - axis.low));
    case Kind::log_uniform:
      return text_of(axis, axis.low * std::pow(axis.high / axis.low, fraction));
    case Kind::integer:
      return text_of(axis, std::floor(axis.low + fraction * (axis.high - axis.low + 1)));
    case Kind::choice:
      break;
  }
  const auto count = static_cast<double>(axis.choices.size());
  return axis.choices[std::min(axis.choices.size() - 1, static_cast<size_t>(fraction * count))];
}

// Every value of the axis that a grid has.
std::vector<std::string> grid_values(const SearchAxis& axis, int points) {
  if (axis.kind == Kind::choice) return axis.choices;
  std::vector<std::string> values;
  for (int i = 0; i < points; ++i) {
    const double fraction = static_cast<double>(i) / (points - 1);
    const std::string value = axis.kind == Kind::integer ? text_of(axis, axis.low + fraction * (axis.high - axis.low))
                                                         : value_at(axis, fraction);
    if (values.empty() || values.back() != value) values.push_back(value);
  }
  return values;
}

SearchAxis narrow_axis(const SearchAxis& axis, const std::vector<std::string>& best) {
  SearchAxis result = axis;
  if (axis.kind == Kind::choice) {
    const std::set<std::string> kept(best.begin(), best.end());
    std::erase_if(result.choices, [&](const std::string& choice) { return !kept.contains(choice); });
    return result;
  }
  const bool logarithmic = axis.kind == Kind::log_uniform;
  const auto place = [&](double value) { return logarithmic ? std::log(value) : value; };
  double low = place(axis.high);
  double high = place(axis.low);
  for (const std::string& text : best) {
    low = std::min(low, place(std::stod(text)));
    high = std::max(high, place(std::stod(text)));
  }
  const double rim = (place(axis.high) - place(axis.low)) / 10;
  const auto back = [&](double value) { return logarithmic ? std::exp(value) : value; };
  result.low = std::max(axis.low, back(low - rim));
  result.high = std::min(axis.high, back(high + rim));
  if (axis.kind == Kind::integer) {
    result.low = std::ceil(result.low);
    result.high = std::floor(result.high);
  }
  return result;
}

}  // namespace

void check_space(const SearchSpace& space) {
  std::set<std::string> names;
  for (const SearchAxis& axis : space) {
    if (axis.name.empty() || !names.insert(axis.name).second) refuse(fmt::format("'{}' is named twice", axis.name));
    if (axis.kind == Kind::choice) {
      const std::set<std::string> distinct(axis.choices.begin(), axis.choices.end());
      if (axis.choices.empty() || distinct.size() != axis.choices.size()) {
        refuse(fmt::format("'{}' needs choices that differ, got {}", axis.name, axis.choices.size()));
      }
      continue;
    }
    const bool ordered = std::isfinite(axis.low) && std::isfinite(axis.high) && axis.low <= axis.high;
    if (!ordered || (axis.kind == Kind::log_uniform && axis.low <= 0)) {
      refuse(fmt::format("'{}' must go from a {}number up to a greater one, got {} to {}", axis.name,
                         axis.kind == Kind::log_uniform ? "positive " : "", axis.low, axis.high));
    }
    if (axis.kind == Kind::integer && (axis.low != std::floor(axis.low) || axis.high != std::floor(axis.high))) {
      refuse(fmt::format("'{}' must have whole numbers as its ends, got {} and {}", axis.name, axis.low, axis.high));
    }
  }
}

Setting random_setting(const SearchSpace& space, uint64_t seed, int64_t trial) {
  const Random random = Random(seed).substream(static_cast<uint64_t>(trial));
  Setting setting;
  for (size_t i = 0; i < space.size(); ++i) setting.push_back(value_at(space[i], random.uniform(i)));
  return setting;
}

std::vector<Setting> grid_settings(const SearchSpace& space, int points) {
  constexpr size_t most = 100'000;
  if (points < 2) refuse(fmt::format("a grid needs at least 2 points on an axis, got {}", points));
  std::vector<Setting> settings = {{}};
  for (const SearchAxis& axis : space) {
    const std::vector<std::string> values = grid_values(axis, points);
    if (settings.size() * values.size() > most) refuse(fmt::format("the grid has more than {} points", most));
    std::vector<Setting> longer;
    for (const Setting& setting : settings) {
      for (const std::string& value : values) {
        longer.push_back(setting);
        longer.back().push_back(value);
      }
    }
    settings = std::move(longer);
  }
  return settings;
}

SearchSpace narrow(const SearchSpace& space, std::vector<ScoredSetting> tried) {
  if (tried.empty()) refuse("nothing was tried yet");
  std::ranges::stable_sort(tried, std::ranges::greater(), &ScoredSetting::score);
  tried.resize(std::min(tried.size(), std::max<size_t>(2, tried.size() / 4)));
  SearchSpace result;
  for (size_t i = 0; i < space.size(); ++i) {
    std::vector<std::string> best;
    for (const ScoredSetting& one : tried) best.push_back(one.setting[i]);
    result.push_back(narrow_axis(space[i], best));
  }
  return result;
}

}  // namespace fovea
