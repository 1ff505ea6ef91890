#include <fmt/format.h>

#include <memory>
#include <string>

#include "arguments.h"
#include "commands.h"
#include "fovea/error.h"
#include "fovea/model_file.h"
#include "fovea/onnx.h"
#include "fovea/zoo.h"
#include "options.h"

namespace fovea::cli {

namespace {

struct ExportOptions {
  CommonOptions common;
  std::string model;
  std::string output;
};

void run_export(const ExportOptions& options) {
  options.common.apply();
  require_option(options.model, "name a network or a model file, then the file to write, such as lenet5.onnx");
  require_option(options.output, "name the file to write, such as lenet5.onnx");
  if (!options.output.ends_with(".onnx")) {
    throw Error(ErrorKind::usage, fmt::format("the file to write must end in .onnx, got {}", options.output));
  }
  export_onnx(is_model_file(options.model) ? load_model(options.model) : zoo::create(options.model), options.output);
}

}  // namespace

Run add_export(CLI::App& program) {
  auto options = std::make_shared<ExportOptions>();
  CLI::App* command = program.add_subcommand("export", "Write a network as an ONNX file");
  command->add_option("model", options->model, "a model file, or the name of a network, which gets fresh weights")
      ->type_name("NETWORK");
  command->add_option("output", options->output, "file to write, such as lenet5.onnx")->type_name("FILE");
  options->common.add(*command);
  return [options] { run_export(*options); };
}

}  // namespace fovea::cli
