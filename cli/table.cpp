#include "table.h"

#include <fmt/format.h>

#include <algorithm>

#include "options.h"

namespace fovea::cli {

namespace {

std::string csv_value(const nlohmann::ordered_json& value) {
  if (value.is_null()) return {};
  if (value.is_string()) return csv_field(value.get<std::string>());
  if (!value.is_array()) return value.dump();
  std::string joined;
  for (const auto& element : value) joined += fmt::format("{}{}", joined.empty() ? "" : "x", element.dump());
  return joined;
}

}  // namespace

void print_table(const std::vector<Line>& lines, std::string_view sides) {
  std::vector<size_t> widths(sides.size());
  for (const Line& line : lines) {
    for (size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  for (const Line& line : lines) {
    std::string text;
    for (size_t i = 0; i < line.size(); ++i) {
      text +=
          sides[i] == 'l' ? fmt::format("{:<{}}  ", line[i], widths[i]) : fmt::format("{:>{}}  ", line[i], widths[i]);
    }
    fmt::print("{}\n", text.erase(text.find_last_not_of(' ') + 1));
  }
}

void print_csv(const nlohmann::ordered_json& rows) {
  std::string header;
  std::string text;
  for (const auto& row : rows) {
    header.clear();
    std::string line;
    for (const auto& [name, value] : row.items()) {
      header += fmt::format("{}{}", header.empty() ? "" : ",", name);
      line += fmt::format("{}{}", line.empty() ? "" : ",", csv_value(value));
    }
    text += line + "\n";
  }
  fmt::print("{}\n{}", header, text);
}

}  // namespace fovea::cli
