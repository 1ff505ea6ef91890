// The forms of a summary: a table for people, JSON and CSV for programs.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "core/units.h"
#include "fovea/summary.h"

namespace fovea {

namespace {

// "61,706"
std::string grouped(int64_t number) {
  return number < 1000 ? fmt::format("{}", number) : fmt::format("{},{:03}", grouped(number / 1000), number % 1000);
}

std::string field(const ReceptiveField& field) {
  return field.whole ? "all" : fmt::format("{}", fmt::join(field.extent, "x"));
}

// Names come from files too: one line, no control characters, at most `width` long.
std::string cell(std::string text, size_t width) {
  std::ranges::replace_if(
      text, [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; }, '?');
  return text.size() <= width ? text : fmt::format("{:.{}}..", text, width - 2);
}

constexpr size_t columns = 7;
using Line = std::array<std::string, columns>;

Line table_line(const SummaryRow& row) {
  return {row.node,
          row.options.empty() ? row.op : row.op + " " + row.options,
          to_string(row.output),
          row.parameters == 0 ? "" : with_unit(row.parameters),
          row.multiply_adds == 0 ? "" : with_unit(row.multiply_adds),
          field(row.receptive_field),
          bytes_with_unit(row.activation_bytes)};
}

using Widths = std::array<size_t, columns>;

Widths column_widths(const std::vector<Line>& lines) {
  constexpr size_t table_width = 100;
  constexpr size_t widest_name = 28;
  Widths widths{};
  for (const Line& line : lines) {
    for (size_t i = 0; i < columns; ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  widths[0] = std::min(widths[0], widest_name);
  size_t others = 2 * (columns - 1);  // spaces between
  for (size_t i = 0; i < columns; ++i) others += i == 1 ? 0 : widths[i];
  constexpr size_t narrowest = 16;
  widths[1] = std::min(widths[1], std::max(narrowest, table_width - std::min(others, table_width)));
  return widths;
}

std::string format_line(const Line& line, const Widths& widths) {
  std::string text;
  for (size_t i = 0; i < columns; ++i) {
    const std::string shown = cell(line[i], widths[i]);
    text += i < 3 ? fmt::format("{:<{}}  ", shown, widths[i]) : fmt::format("{:>{}}  ", shown, widths[i]);
  }
  return text.erase(text.find_last_not_of(' ') + 1) + "\n";
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

}  // namespace

std::string format_table(const Summary& summary) {
  std::vector<Line> lines = {{"node", "layer", "output", "params", "mult-adds", "sees", "memory"}};
  for (const SummaryRow& row : summary.rows) lines.push_back(table_line(row));
  const Widths widths = column_widths(lines);
  std::string text;
  for (const Line& line : lines) text += format_line(line, widths);
  text += fmt::format("\n{} parameters", grouped(summary.parameters));
  if (summary.untrained_parameters > 0) {
    text += fmt::format(" and {} that are not trained", grouped(summary.untrained_parameters));
  }
  text += fmt::format(" ({}) in {} layers, {} deep\n", bytes_with_unit(summary.parameter_bytes), summary.layers,
                      summary.depth);
  text += fmt::format("{} multiply-adds and {} of activations for one sample\n", with_unit(summary.multiply_adds),
                      bytes_with_unit(summary.activation_bytes));
  text += fmt::format("{} of memory beside the parameters to run one sample", bytes_with_unit(summary.inference_bytes));
  if (summary.training_bytes > 0) text += fmt::format(", {} to train on it", bytes_with_unit(summary.training_bytes));
  text += '\n';
  for (const std::string& warning : summary.warnings) text += fmt::format("warning: {}\n", warning);
  return text;
}

std::string to_json(const Summary& summary) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const SummaryRow& row : summary.rows) {
    nlohmann::ordered_json sees = row.receptive_field.extent;
    if (row.receptive_field.whole) sees = "all";
    rows.push_back({{"node", row.node},
                    {"op", row.op},
                    {"options", row.options},
                    {"output", std::vector<int64_t>(row.output.dims().begin(), row.output.dims().end())},
                    {"parameters", row.parameters},
                    {"multiply_adds", row.multiply_adds},
                    {"receptive_field", sees},
                    {"activation_bytes", row.activation_bytes}});
  }
  const nlohmann::ordered_json document = {{"nodes", rows},
                                           {"parameters", summary.parameters},
                                           {"untrained_parameters", summary.untrained_parameters},
                                           {"parameter_bytes", summary.parameter_bytes},
                                           {"multiply_adds", summary.multiply_adds},
                                           {"layers", summary.layers},
                                           {"depth", summary.depth},
                                           {"activation_bytes", summary.activation_bytes},
                                           {"inference_bytes", summary.inference_bytes},
                                           {"training_bytes", summary.training_bytes},
                                           {"warnings", summary.warnings}};
  return document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string to_csv(const Summary& summary) {
  std::string text = "node,op,options,output,parameters,multiply_adds,receptive_field,activation_bytes\n";
  for (const SummaryRow& row : summary.rows) {
    text += fmt::format("{},{},{},{},{},{},{},{}\n", csv_field(row.node), row.op, csv_field(row.options),
                        to_string(row.output), row.parameters, row.multiply_adds, field(row.receptive_field),
                        row.activation_bytes);
  }
  return text;
}

}  // namespace fovea
