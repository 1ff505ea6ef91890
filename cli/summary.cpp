#include "fovea/summary.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "arguments.h"
#include "commands.h"
#include "fovea/zoo.h"
#include "options.h"

namespace fovea::cli {

namespace {

struct SummaryOptions {
  CommonOptions common;
  std::string model;
  std::string input;
  int64_t classes = 0;
  Format format = Format::text;
};

void list_networks(Format format) {
  nlohmann::ordered_json list;
  if (format == Format::csv) fmt::print("name,input,source\n");
  for (const ZooEntry& entry : zoo::list()) {
    const std::string input = to_string(entry.input);
    const auto dims = entry.input.dims();
    switch (format) {
      case Format::text:
        fmt::print("{:<18} {:<10} {}\n", entry.name, input, entry.source);
        break;
      case Format::json:
        list.push_back(
            {{"name", entry.name}, {"input", std::vector(dims.begin(), dims.end())}, {"source", entry.source}});
        break;
      case Format::csv:
        fmt::print("{},{},{}\n", entry.name, input, csv_field(entry.source));
        break;
    }
  }
  if (format == Format::json) fmt::print("{}\n", list.dump(2));
}

void run_summary(const SummaryOptions& options) {
  options.common.apply();
  if (options.model.empty()) return list_networks(options.format);
  const Summary summary = summarize(describe_network(options.model, input_shape(options.input), options.classes));
  switch (options.format) {
    case Format::text:
      return fmt::print("{}", format_table(summary));
    case Format::json:
      return fmt::print("{}\n", to_json(summary));
    case Format::csv:
      return fmt::print("{}", to_csv(summary));
  }
}

}  // namespace

Run add_summary(CLI::App& program) {
  auto options = std::make_shared<SummaryOptions>();
  CLI::App* command =
      program.add_subcommand("summary", "Layers of a network: shapes, parameters, cost, receptive field");
  command->add_option("model", options->model, "a name (lenet5), a model file, or a text form; none: list the names")
      ->type_name("NETWORK");
  add_input_option(*command, options->input);
  command->add_option("--classes", options->classes, "classes of a new network; default: its own")
      ->check(check_number<int64_t>);
  add_format_option(*command, options->format);
  options->common.add(*command);
  return [options] { run_summary(*options); };
}

}  // namespace fovea::cli
