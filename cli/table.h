#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

// Rows of results on standard output.
namespace fovea::cli {

using Line = std::vector<std::string>;

// Columns as wide as their widest cell, two spaces apart. `sides` has a letter for each: l to the left, r to the right.
void print_table(const std::vector<Line>& lines, std::string_view sides);

// An array of objects with the same keys: those as the header, a line for each. Lists are joined by 'x', null is empty.
void print_csv(const nlohmann::ordered_json& rows);

}  // namespace fovea::cli
