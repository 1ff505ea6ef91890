#include "core/units.h"

#include <fmt/format.h>

#include <array>
#include <span>

namespace fovea {

namespace {

std::string scaled(int64_t number, double base, std::span<const char* const> units) {
  auto value = static_cast<double>(number);
  size_t unit = 0;
  while (value >= (unit == 0 ? base : 999.5) && unit + 1 < units.size()) {
    value /= base;
    ++unit;
  }
  const int decimals = unit == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return fmt::format("{:.{}f}{}", value, decimals, units[unit]);
}

}  // namespace

std::string with_unit(int64_t count) {
  constexpr std::array units = {"", "K", "M", "G", "T", "P"};
  return scaled(count, 1000, units);
}

std::string bytes_with_unit(int64_t number) {
  constexpr std::array units = {" B", " KiB", " MiB", " GiB", " TiB", " PiB"};
  return scaled(number, 1024, units);
}

}  // namespace fovea
