#include "fovea/summary.h"

#include <fmt/format.h>

#include <memory>

#include "commands.h"
#include "fovea/zoo.h"
#include "options.h"

namespace fovea::cli {

namespace {

struct SummaryOptions {
  CommonOptions common;
  NetworkOptions network;
  std::string model;
  Format format = Format::text;
};

void list_networks() {
  for (const ZooEntry& entry : zoo::list()) {
    fmt::print("{:<10} {:<10} {}\n", entry.name, to_string(entry.input), entry.source);
  }
}

void run_summary(const SummaryOptions& options) {
  options.common.apply();
  if (options.model.empty()) return list_networks();
  const Summary summary =
      summarize(describe_network(options.model, options.network.input_shape(), options.network.classes));
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
  command->add_option("model", options->model, "a name (lenet5), a model file, or a text form; none: list the names");
  options->network.add(*command);
  add_format_option(*command, options->format);
  options->common.add(*command);
  return [options] { run_summary(*options); };
}

}  // namespace fovea::cli
