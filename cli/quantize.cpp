#include "fovea/quantize.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "command_line.h"
#include "commands.h"
#include "core/units.h"
#include "data_options.h"
#include "fovea/data.h"
#include "fovea/error.h"
#include "fovea/model_file.h"
#include "fovea/train.h"
#include "model_options.h"
#include "options.h"
#include "table.h"

namespace fovea::cli {

namespace {

using Json = nlohmann::ordered_json;

struct QuantizeCommand {
  CommonOptions common;
  ModelOptions model;
  std::string input;
  DataOptions data;
  std::string test;
  int64_t pictures = 200;
  int64_t batch = 8;
  std::string out;
  Format format = Format::text;
};

double agreement(const Evaluation& a, const Evaluation& b) {
  int64_t same = 0;
  for (size_t i = 0; i < a.predictions.size(); ++i) same += static_cast<int64_t>(a.predictions[i] == b.predictions[i]);
  return static_cast<double>(same) / static_cast<double>(a.predictions.size());
}

Json compare(const QuantizeCommand& command, Model& model) {
  OpenOptions open;
  open.data_dir = command.data.data_dir;
  const DataSplits splits = open_dataset(command.test, open);
  const auto dataset = in_terms_of(model, splits.test ? splits.test : splits.train);
  Model loaded = load_model(command.out);  // what counts is the file as it will be used
  const Evaluation before = evaluate(model, dataset, {.batch = command.batch});
  const Evaluation after = evaluate(loaded, dataset, {.batch = command.batch});
  return {{"test_pictures", dataset->size()}, {"top1_before", before.scores.top1},
          {"top1", after.scores.top1},        {"loss_before", before.scores.loss},
          {"loss", after.scores.loss},        {"agreement", agreement(before, after)}};
}

void print_text(const QuantizeCommand& command, const Json& report) {
  fmt::print("{}: {} layers on bytes", command.out, report["layers"].get<int64_t>());
  for (const Json& name : report["kept"]) fmt::print(", {} as it was", name.get<std::string>());
  fmt::print("; {} for {}\n", bytes_with_unit(report["bytes"]), bytes_with_unit(report["bytes_before"]));
  if (!report.contains("agreement")) return;
  const auto percent = [&](const char* key) { return fmt::format("{:.2f} %", 100 * report[key].get<double>()); };
  const auto number = [&](const char* key) { return fmt::format("{:.4f}", report[key].get<double>()); };
  print_table({{"", "top-1", "loss"},
               {"before", percent("top1_before"), number("loss_before")},
               {"on bytes", percent("top1"), number("loss")}},
              "lrr");
  fmt::print("the same class for {} of {} pictures\n", percent("agreement"), report["test_pictures"].get<int64_t>());
}

void run_quantize(const QuantizeCommand& command) {
  command.common.apply();
  require_option(command.out, "name the file to write with --out FILE");
  if (command.pictures < 1) {
    throw Error(ErrorKind::usage, fmt::format("--pictures must be at least 1, got {}", command.pictures));
  }
  Model model = command.model.open(input_shape(command.input));
  const DataSplits splits = command.data.open();
  const auto pictures = spread(splits.train, command.pictures);
  const QuantizedModel quantized = quantize_model(model, pictures, {.batch = command.batch});
  save_model(quantized.model, command.out);

  int64_t parameters = 0;
  for (const Tensor& parameter : model.parameters()) parameters += parameter.size();
  Json report = {{"file", command.out},
                 {"layers", quantized.layers},
                 {"kept", quantized.kept},
                 {"pictures", pictures->size()},
                 {"bytes_before", parameters * static_cast<int64_t>(sizeof(float))},
                 {"bytes", static_cast<int64_t>(std::filesystem::file_size(command.out))}};
  if (!command.test.empty()) report.update(compare(command, model));
  switch (command.format) {
    case Format::json:
      return fmt::print("{}\n", report.dump());
    case Format::csv:
      return print_csv(Json::array({report}));
    case Format::text:
      return print_text(command, report);
  }
}

}  // namespace

Run add_quantize(CLI::App& program) {
  auto command = std::make_shared<QuantizeCommand>();
  CLI::App& app =
      add_command(program, "quantize", "Make a trained network compute on bytes: a quarter of the size, and faster");
  command->model.add(app);
  command->model.add_pictures(app);
  add_input_option(app, command->input);
  command->data.add(app);
  option_of(app, "--data").description("pictures that show which values occur: what the network was trained on, say");
  add_number(app, "--pictures", command->pictures, "so many of them, evenly spread");
  add_option(app, "--test", command->test, "labelled pictures on which both networks are compared").type_name("DATA");
  add_number(app, "--batch", command->batch, "pictures at a time");
  add_option(app, "--out", command->out, "file to write, which is a model as any other").type_name("FILE");
  add_format_option(app, command->format);
  command->common.add(app);
  return [command] { run_quantize(*command); };
}

}  // namespace fovea::cli
