#include "fovea/report.h"

#include <fmt/format.h>

#include <memory>

#include "command_line.h"
#include "commands.h"
#include "fovea/run_folder.h"
#include "options.h"
#include "training_data.h"

namespace fovea::cli {

namespace {

struct ReportOptions {
  CommonOptions common;
  std::string run;
  DataOptions data;
};

void run_report(const ReportOptions& options) {
  options.common.apply();
  require_option(options.run, "name the folder of a training run, such as runs/lenet5");
  const TrainingData data = open_run_data(read_run_config(options.run), options.data);
  write_report(options.run, data.validation ? data.validation : data.train, data_warnings(data));
  fmt::print("{}/report.html\n", options.run);
}

}  // namespace

Run add_report(CLI::App& program) {
  auto options = std::make_shared<ReportOptions>();
  CLI::App& command = add_command(program, "report", "Write what came of a training run as one page of HTML");
  add_option(command, "run", options->run, "folder of the run").type_name("RUN");
  options->data.on_bad_picture.clear();  // as the run had it
  options->data.add(command);
  options->common.add(command);
  return [options] { run_report(*options); };
}

}  // namespace fovea::cli
