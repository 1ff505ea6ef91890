#include "fovea/zoo.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "command_line.h"
#include "commands.h"
#include "core/file.h"
#include "core/units.h"
#include "fovea/bench.h"
#include "fovea/chart.h"
#include "fovea/error.h"
#include "fovea/parallel.h"
#include "fovea/summary.h"
#include "options.h"
#include "table.h"

namespace fovea::cli {

namespace {

struct ZooCommand {
  CommonOptions common;
  std::vector<std::string> names;
  std::string max_parameters, max_multiply_adds;
  double min_top1 = 0;
  std::string sort = "family";
  bool reverse = false;
  bool time = false;
  std::string plot;
  Format format = Format::text;
};

struct Row {
  const ZooEntry* entry;
  Totals totals;
  double one_thread = 0;  // seconds for a picture; 0: not measured
  double all_threads = 0;
};

// "10M" is 10,000,000. Empty: there is no limit.
int64_t limit(const std::string& option, const std::string& text) {
  if (text.empty()) return std::numeric_limits<int64_t>::max();
  constexpr std::string_view units = "KMGT";
  size_t end = 0;
  double value = -1;
  try {
    value = std::stod(text, &end);
  } catch (const std::exception&) {
    end = 0;
  }
  const size_t unit = end < text.size() ? units.find(text[end]) : std::string_view::npos;
  if (unit != std::string_view::npos) {
    value *= std::pow(1000.0, static_cast<double>(unit + 1));
    ++end;
  }
  if (end == 0 || end != text.size() || !(value >= 0 && value <= 9e18)) {
    throw Error(ErrorKind::usage, fmt::format("{} must be a number such as 25M or 4.1G, got '{}'", option, text));
  }
  return static_cast<int64_t>(value);
}

bool is_chosen(const ZooEntry& entry, const std::vector<std::string>& names) {
  return names.empty() || std::ranges::any_of(names, [&](const std::string& name) {
           return entry.name.find(name) != std::string_view::npos;
         });
}

std::vector<Row> choose(const ZooCommand& command) {
  const int64_t parameters = limit("--max-parameters", command.max_parameters);
  const int64_t multiply_adds = limit("--max-multiply-adds", command.max_multiply_adds);
  std::vector<Row> rows;
  for (const ZooEntry& entry : zoo::list()) {
    if (!is_chosen(entry, command.names) || entry.accuracy.top1 < command.min_top1) continue;
    const Totals totals = total(zoo::build(entry.name));
    if (totals.parameters <= parameters && totals.multiply_adds <= multiply_adds) rows.push_back({&entry, totals});
  }
  if (rows.empty()) throw Error(ErrorKind::usage, "no network is like that; 'fovea zoo' lists all");
  return rows;
}

double seconds_for_a_picture(const ZooEntry& entry, int threads) {
  constexpr double measured_seconds = 0.3;
  set_thread_count(threads);
  return benchmark(zoo::create(entry.name), {.seconds = measured_seconds}).median_seconds;
}

void measure(std::vector<Row>& rows) {
  const int threads = thread_count();
  const bool terminal = isatty(STDERR_FILENO) != 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (terminal) fmt::print(stderr, "\r\x1b[Ktiming {} ({} of {})", rows[i].entry->name, i + 1, rows.size());
    rows[i].one_thread = seconds_for_a_picture(*rows[i].entry, 1);
    rows[i].all_threads = threads == 1 ? rows[i].one_thread : seconds_for_a_picture(*rows[i].entry, threads);
  }
  if (terminal) fmt::print(stderr, "\r\x1b[K");
  set_thread_count(threads);
}

// What is not known comes last, whatever the order.
void sort(std::vector<Row>& rows, const std::string& by, bool reverse) {
  const auto key = [&](const Row& row) -> double {
    if (by == "parameters") return static_cast<double>(row.totals.parameters);
    if (by == "multiply-adds") return static_cast<double>(row.totals.multiply_adds);
    if (by == "depth") return static_cast<double>(row.totals.depth);
    if (by == "layers") return static_cast<double>(row.totals.layers);
    if (by == "top1") return row.entry->accuracy.top1;
    if (by == "top5") return row.entry->accuracy.top5;
    return row.all_threads;
  };
  if (by == "family") {
    if (reverse) std::ranges::reverse(rows);
  } else if (by == "name") {
    std::ranges::sort(rows, [&](const Row& a, const Row& b) {
      return reverse ? b.entry->name < a.entry->name : a.entry->name < b.entry->name;
    });
  } else {
    std::ranges::stable_sort(rows, [&](const Row& a, const Row& b) {
      const double x = key(a);
      const double y = key(b);
      return x == 0 || y == 0 ? x > 0 && y == 0 : reverse ? x > y : x < y;
    });
  }
}

nlohmann::ordered_json describe(const std::vector<Row>& rows, bool timed) {
  auto list = nlohmann::ordered_json::array();
  for (const auto& [entry, totals, one_thread, all_threads] : rows) {
    const auto dims = entry->input.dims();
    nlohmann::ordered_json row = {{"name", entry->name},
                                  {"parameters", totals.parameters},
                                  {"depth", totals.depth},
                                  {"layers", totals.layers},
                                  {"multiply_adds", totals.multiply_adds},
                                  {"bytes", totals.parameter_bytes},
                                  {"input", std::vector(dims.begin(), dims.end())},
                                  {"classes", entry->classes},
                                  {"top1", nullptr},
                                  {"top5", nullptr},
                                  {"accuracy_source", nullptr}};
    if (const auto& [top1, top5, source] = entry->accuracy; top1 > 0) {
      row["top1"] = top1;
      row["top5"] = top5;
      row["accuracy_source"] = source;
    }
    if (timed) {
      row["ms_one_thread"] = 1e3 * one_thread;
      row["ms_all_threads"] = 1e3 * all_threads;
    }
    row["source"] = entry->source;
    list.push_back(std::move(row));
  }
  return list;
}

std::string milliseconds(double seconds) { return fmt::format("{:.{}f}", 1e3 * seconds, seconds < 0.01 ? 2 : 1); }

// The paper alone: "He et al. 2016".
std::string_view short_source(std::string_view source) { return source.substr(0, source.find_first_of(",;:")); }

void print_text(const std::vector<Row>& rows, bool timed) {
  std::vector<std::string_view> sources;  // of accuracies; the table has their letters
  std::vector<Line> lines = {{"name", "params", "depth", "layers", "mult-adds", "MiB", "input", "top-1", "top-5", ""}};
  if (timed) lines[0].insert(lines[0].end(), {"ms, 1 thread", fmt::format("ms, {}", thread_count())});
  lines[0].emplace_back("source");
  for (const auto& [entry, totals, one_thread, all_threads] : rows) {
    Line line = {
        std::string(entry->name),        with_unit(totals.parameters),
        fmt::to_string(totals.depth),    fmt::to_string(totals.layers),
        with_unit(totals.multiply_adds), fmt::format("{:.1f}", static_cast<double>(totals.parameter_bytes) / (1 << 20)),
        to_string(entry->input)};
    if (const auto& [top1, top5, source] = entry->accuracy; top1 > 0) {
      const auto found = std::ranges::find(sources, source);
      const auto letter = static_cast<char>('a' + (found - sources.begin()));
      if (found == sources.end()) sources.push_back(source);
      line.insert(line.end(), {fmt::format("{:.2f}", top1), fmt::format("{:.2f}", top5), std::string(1, letter)});
    } else {
      line.insert(line.end(), 3, "");
    }
    if (timed) line.insert(line.end(), {milliseconds(one_thread), milliseconds(all_threads)});
    line.emplace_back(short_source(entry->source));
    lines.push_back(std::move(line));
  }
  print_table(lines, timed ? "lrrrrrlrrlrrl" : "lrrrrrlrrll");
  fmt::print("\ndepth: most convolutions and dense layers on a way through; layers: all that have parameters\n");
  if (sources.empty()) return;
  fmt::print("top-1, top-5: % of ImageNet's validation pictures, as published:\n");
  for (size_t i = 0; i < sources.size(); ++i) fmt::print("  {} {}\n", static_cast<char>('a' + i), sources[i]);
}

void plot(const std::vector<Row>& rows, const std::string& path) {
  BubbleChart chart{.title = "Accuracy and cost of the networks",
                    .x_label = "multiply-adds for one picture",
                    .y_label = "top-1 accuracy on ImageNet, %",
                    .area_label = "parameters"};
  for (const auto& [entry, totals, one_thread, all_threads] : rows) {
    if (entry->accuracy.top1 == 0) continue;
    const std::string name(entry->name);
    chart.bubbles.push_back({.name = name,
                             .x = static_cast<double>(totals.multiply_adds),
                             .y = entry->accuracy.top1,
                             .area = static_cast<double>(totals.parameters),
                             .group = std::string(short_source(entry->source))});
  }
  if (chart.bubbles.empty()) throw Error(ErrorKind::usage, "--plot: none of these networks has a published accuracy");
  const std::string picture = to_svg(chart);
  write_file_atomically(path, std::as_bytes(std::span(picture)));
}

void run_zoo(const ZooCommand& command) {
  command.common.apply();
  if (command.sort == "time" && !command.time) throw Error(ErrorKind::usage, "--sort time needs --time");
  std::vector<Row> rows = choose(command);
  if (command.time) measure(rows);
  sort(rows, command.sort, command.reverse);
  if (!command.plot.empty()) plot(rows, command.plot);
  switch (command.format) {
    case Format::text:
      return print_text(rows, command.time);
    case Format::json:
      return fmt::print("{}\n", describe(rows, command.time).dump(2));
    case Format::csv:
      return print_csv(describe(rows, command.time));
  }
}

}  // namespace

Run add_zoo(CLI::App& program) {
  auto options = std::make_shared<ZooCommand>();
  CLI::App& command = add_command(program, "zoo", "The networks that have a name: size, cost, published accuracy");
  add_option(command, "names", options->names, "those alone whose names contain one of these")
      .type_name("NAME")
      .take_all();
  add_option(command, "--max-parameters", options->max_parameters, "those with no more, such as 25M").type_name("N");
  add_option(command, "--max-multiply-adds", options->max_multiply_adds, "those with no more, such as 4.1G")
      .type_name("N");
  add_number(command, "--min-top1", options->min_top1, "those with no less, in percent");
  add_choice(command, "--sort", options->sort,
             {"family", "name", "parameters", "depth", "layers", "multiply-adds", "top1", "top5", "time"},
             "order; smallest first");
  add_flag(command, "--reverse", options->reverse, "largest first");
  add_flag(command, "--time", options->time, "measure the time for one picture, on one thread and on all");
  add_option(command, "--plot", options->plot, "write a bubble chart: accuracy against cost, areas are parameters")
      .type_name("FILE.svg");
  add_format_option(command, options->format);
  options->common.add(command);
  return [options] { run_zoo(*options); };
}

}  // namespace fovea::cli
