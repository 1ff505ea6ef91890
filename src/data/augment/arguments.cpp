#include "data/augment/arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/text.h"
#include "fovea/error.h"

namespace fovea::augment {

void Arguments::add(std::string_view name, std::string_view word) {
  for (const auto& [known, value] : named_) {
    if (known == name) fail(fmt::format("{} is given twice", name));
  }
  named_.emplace_back(name, word);
}

void Arguments::fail(std::string_view problem) const {
  throw Error(ErrorKind::usage,
              fmt::format("augmentation: '{}': {}; its form is: {}", printable(step_), printable(problem), usage_));
}

std::optional<std::string> Arguments::take(const char* name) {
  for (auto entry = named_.begin(); entry != named_.end(); ++entry) {
    if (entry->first != name) continue;
    std::string value = std::move(entry->second);
    named_.erase(entry);
    return value;
  }
  if (next_ < alone_.size()) return alone_[next_++];
  return std::nullopt;
}

std::string Arguments::demand(const char* name) {
  std::optional<std::string> text = take(name);
  if (!text) fail(fmt::format("{} is missing", name));
  return *text;
}

void Arguments::finish() const {
  if (next_ < alone_.size()) fail(fmt::format("'{}' is one argument too many", alone_[next_]));
  if (!named_.empty()) fail(fmt::format("it has no argument '{}'", named_.front().first));
}

void Arguments::check(const char* name, double value, double least, double most) const {
  if (value >= least && value <= most) return;
  fail(fmt::format("{} must be {} to {}, got {}", name, least, most, value));
}

double Arguments::parse_number(const char* name, std::string_view text) const {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
    fail(fmt::format("{} must be a number, got '{}'", name, text));
  }
  return value;
}

// "3", "1..2", "+-3" or "1+-3", the last two also with a range behind the sign.
Amount Arguments::parse_amount(const char* name, std::string_view text) const {
  Amount amount;
  if (const size_t sign = text.find("+-"); sign != std::string_view::npos) {
    amount.either_sign = true;
    if (sign > 0) amount.center = parse_number(name, text.substr(0, sign));
    text.remove_prefix(sign + 2);
  }
  const size_t dots = text.find("..");
  amount.single = dots == std::string_view::npos && !amount.either_sign;
  amount.low = parse_number(name, text.substr(0, dots));
  amount.high = dots == std::string_view::npos ? amount.low : parse_number(name, text.substr(dots + 2));
  if (amount.low > amount.high) fail(fmt::format("{} must be a range from low to high, got '{}'", name, text));
  return amount;
}

double Arguments::number(const char* name, std::optional<double> preset, double least, double most) {
  const std::optional<std::string> text = preset ? take(name) : demand(name);
  if (!text) return *preset;
  const double value = parse_number(name, *text);
  check(name, value, least, most);
  return value;
}

int64_t Arguments::whole(const char* name, std::optional<int64_t> preset, int64_t least, int64_t most) {
  const auto as_double = [](int64_t value) { return static_cast<double>(value); };
  const double value =
      number(name, preset ? std::optional(as_double(*preset)) : std::nullopt, as_double(least), as_double(most));
  if (value != std::floor(value)) fail(fmt::format("{} must be a whole number, got {}", name, value));
  return static_cast<int64_t>(value);
}

Amount Arguments::amount(const char* name, std::optional<Amount> preset, double least, double most) {
  const std::optional<std::string> text = preset ? take(name) : demand(name);
  if (!text) return *preset;
  const Amount amount = parse_amount(name, *text);
  check(name, amount.center + (amount.either_sign ? -amount.high : amount.low), least, most);
  check(name, amount.center + amount.high, least, most);
  return amount;
}

Amount Arguments::around_zero(const char* name, std::optional<double> preset, double most) {
  const std::optional<Amount> fallback =
      preset ? std::optional(Amount{.low = *preset, .high = *preset, .single = true}) : std::nullopt;
  Amount amount = this->amount(name, fallback, -most, most);
  if (amount.single) {
    amount.high = std::abs(amount.high);
    amount.low = -amount.high;
  }
  return amount;
}

Amount Arguments::around_one(const char* name, std::optional<double> preset) {
  constexpr double most = 100;
  const std::optional<Amount> fallback =
      preset ? std::optional(Amount{.low = *preset, .high = *preset, .single = true}) : std::nullopt;
  Amount amount = this->amount(name, fallback, 0, most);
  if (amount.single) {
    amount.low = std::max(0.0, 1 - amount.high);
    amount.high = 1 + amount.high;
  }
  return amount;
}

std::pair<int, int> Arguments::extents(const char* name) {
  const std::string text = demand(name);
  const auto extent = [&](std::string_view part) {
    const double value = parse_number(name, part);
    check(name, value, 1, max_picture_side);
    if (value != std::floor(value)) fail(fmt::format("{} must be whole numbers, got '{}'", name, text));
    return static_cast<int>(value);
  };
  const std::string_view view = text;
  const size_t times = view.find('x');
  if (times == std::string_view::npos) return {extent(view), extent(view)};
  return {extent(view.substr(0, times)), extent(view.substr(times + 1))};
}

ResizeFilter Arguments::filter() {
  const std::string name = word("filter", "bilinear");
  if (name == "nearest") return ResizeFilter::nearest;
  if (name == "box") return ResizeFilter::box;
  if (name == "bilinear") return ResizeFilter::bilinear;
  if (name == "bicubic") return ResizeFilter::bicubic;
  fail(fmt::format("filter must be nearest, box, bilinear or bicubic, got '{}'", name));
}

Sampling Arguments::sampling() {
  const std::string name = word("filter", "bilinear");
  if (name == "nearest") return Sampling::nearest;
  if (name == "bilinear") return Sampling::bilinear;
  fail(fmt::format("filter must be nearest or bilinear, got '{}'", name));
}

double Arguments::probability() {
  for (const auto& [name, value] : named_) {
    if (name == "p") return number("p", 1, 0, 1);
  }
  return 1;
}

std::string Arguments::word(const char* name, std::string_view preset) {
  return take(name).value_or(std::string(preset));
}

}  // namespace fovea::augment
