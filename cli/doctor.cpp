#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "command_line.h"
#include "commands.h"
#include "fovea/cpu.h"
#include "fovea/data.h"
#include "fovea/libraries.h"
#include "fovea/parallel.h"
#include "fovea/version.h"
#include "options.h"

namespace fovea::cli {

namespace {

struct DoctorOptions {
  CommonOptions common;
  Format format = Format::text;
  std::string data_dir;
};

nlohmann::ordered_json examine(const DoctorOptions& options) {
  const CpuInfo cpu = cpu_info();
  nlohmann::ordered_json report = {{"version", version()},
                                   {"cpu", cpu.model},
                                   {"cpus", cpu.cpus},
                                   {"threads", thread_count()},
                                   {"instruction_sets", cpu.instruction_sets},
                                   {"instruction_set", cpu.instruction_set}};
  for (const auto& [name, library_version] : library_versions()) report["libraries"][name] = library_version;
  for (const std::string& name : dataset_names()) {
    report["data"][name] = find_dataset(name, options.data_dir).string();
  }
  return report;
}

void print_text(const nlohmann::ordered_json& report) {
  const auto line = [](std::string_view name, const std::string& value) { fmt::print("{:<18}{}\n", name, value); };
  line("fovea", report["version"]);
  line("CPU", report["cpu"]);
  line("CPUs", fmt::format("{}, computing with {} threads", report["cpus"].get<int>(), report["threads"].get<int>()));
  line("instruction sets",
       fmt::format("{} (in use: {})", fmt::join(report["instruction_sets"].get<std::vector<std::string>>(), ", "),
                   report["instruction_set"].get<std::string>()));
  for (const auto& [name, library_version] : report["libraries"].items()) line(name, library_version);
  fmt::print("data\n");
  for (const auto& [name, path] : report["data"].items()) {
    const std::string folder = path;
    line("  " + name, folder.empty() ? "not found (see --data-dir)" : folder);
  }
}

void print_csv(const nlohmann::ordered_json& report) {
  fmt::print("name,value\n");
  const nlohmann::ordered_json flat = report.flatten();
  for (const auto& [pointer, value] : flat.items()) {
    fmt::print("{},{}\n", pointer.substr(1), csv_field(value.is_string() ? value.get<std::string>() : value.dump()));
  }
}

void run_doctor(const DoctorOptions& options) {
  options.common.apply();
  const nlohmann::ordered_json report = examine(options);
  switch (options.format) {
    case Format::text:
      return print_text(report);
    case Format::json:
      return fmt::print("{}\n", report.dump(2));
    case Format::csv:
      return print_csv(report);
  }
}

}  // namespace

Run add_doctor(CLI::App& program) {
  auto options = std::make_shared<DoctorOptions>();
  CLI::App& command = add_command(program, "doctor", "This machine: CPU, instruction sets, threads, libraries, data");
  add_option(command, "--data-dir", options->data_dir, "where named data sets lie; default: $FOVEA_DATA, then ./data")
      .type_name("FOLDER");
  add_format_option(command, options->format);
  options->common.add(command);
  return [options] { run_doctor(*options); };
}

}  // namespace fovea::cli
