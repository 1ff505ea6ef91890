#include "fovea/summary.h"

#include <fmt/format.h>

#include <memory>
#include <span>
#include <string>

#include "command_line.h"
#include "commands.h"
#include "core/file.h"
#include "core/units.h"
#include "fovea/drawing.h"
#include "options.h"

namespace fovea::cli {

namespace {

struct SummaryOptions {
  CommonOptions common;
  std::string model;
  std::string input;
  ZooOptions variant;
  std::string picture;
  Format format = Format::text;
};

void run_summary(const SummaryOptions& options) {
  options.common.apply();
  require_option(options.model, "name a network ('fovea zoo' lists them), a model file, or a text form with --input");
  ZooOptions variant = options.variant;
  variant.input = input_shape(options.input);
  const Graph graph = describe_network(options.model, variant);
  const Summary summary = summarize(graph);
  if (!options.picture.empty()) {
    const std::string title = fmt::format("{}: {} parameters, {} multiply-adds", options.model,
                                          with_unit(summary.parameters), with_unit(summary.multiply_adds));
    const std::string picture = to_svg(graph, title);
    write_file_atomically(options.picture, std::as_bytes(std::span(picture)));
  }
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
  CLI::App& command = add_command(program, "summary", "Layers of a network: shapes, parameters, cost, receptive field");
  add_option(command, "model", options->model, "a name (lenet5), a model file, or a text form").type_name("NETWORK");
  add_input_option(command, options->input);
  add_option(command, "--classes", options->variant.classes, "classes of a new network; default: its own")
      .check(check_number<int64_t>);
  add_variant_options(command, options->variant);
  add_option(command, "--graph", options->picture, "draw the network too").type_name("FILE.svg");
  add_format_option(command, options->format);
  options->common.add(command);
  return [options] { run_summary(*options); };
}

}  // namespace fovea::cli
