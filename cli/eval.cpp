#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "arguments.h"
#include "commands.h"
#include "fovea/error.h"
#include "fovea/known_classes.h"
#include "fovea/train.h"
#include "model_options.h"
#include "options.h"

namespace fovea::cli {

namespace {

struct EvalOptions {
  CommonOptions common;
  DataOptions data;
  ModelOptions model;
  std::string input;
  std::string split = "test";
  int64_t batch = 64;
  bool confusion = false;
  Format format = Format::text;
};

std::shared_ptr<const Dataset> choose_split(const EvalOptions& options) {
  const DataSplits splits = options.data.open();
  if (options.split == "train") return splits.train;
  // A folder without a test part is one set of pictures: all of it is meant.
  return splits.test ? splits.test : splits.train;
}

// Pictures of fewer classes than the model knows are judged by the model's.
std::shared_ptr<const Dataset> in_terms_of(const Model& model, std::shared_ptr<const Dataset> dataset) {
  const auto outputs = static_cast<size_t>(model.graph().node(model.graph().output_node()).shape.back());
  if (dataset->class_names().size() >= outputs) return dataset;
  std::vector<std::string> known = model.class_names;
  for (size_t i = known.size(); i < outputs; ++i) known.push_back(fmt::format("{}", i));
  return with_known_classes(std::move(dataset), std::move(known));
}

void print_text(const EvalOptions& options, const Dataset& dataset, const Evaluation& evaluation) {
  const Scores& scores = evaluation.scores;
  fmt::print("{}\n", dataset.describe());
  fmt::print("loss {:.4f}  top-1 {:.2f} %", scores.loss, 100 * scores.top1);
  if (dataset.class_names().size() > 5) fmt::print("  top-5 {:.2f} %", 100 * scores.top5);
  fmt::print("  ({} of {} right)\n", std::llround(scores.top1 * static_cast<double>(dataset.size())), dataset.size());
  if (options.confusion) fmt::print("\n{}", evaluation.confusion.to_text());
}

void print_json(const Dataset& dataset, const Evaluation& evaluation) {
  const Scores& scores = evaluation.scores;
  nlohmann::ordered_json report = {
      {"items", dataset.size()}, {"loss", scores.loss}, {"top1", scores.top1}, {"top5", scores.top5}};
  const ConfusionMatrix& confusion = evaluation.confusion;
  report["classes"] = confusion.class_names();
  const auto classes = static_cast<int64_t>(confusion.class_names().size());
  for (int64_t row = 0; row < classes; ++row) {
    nlohmann::ordered_json counts;
    for (int64_t column = 0; column < classes; ++column) counts.push_back(confusion.count(row, column));
    report["confusion"].push_back(counts);
  }
  fmt::print("{}\n", report.dump());
}

void run_eval(const EvalOptions& options) {
  options.common.apply();
  Model model = options.model.open(input_shape(options.input));
  const auto dataset = in_terms_of(model, choose_split(options));
  const Evaluation evaluation = evaluate(model, dataset, {.batch = options.batch});
  switch (options.format) {
    case Format::text:
      return print_text(options, *dataset, evaluation);
    case Format::json:
      return print_json(*dataset, evaluation);
    case Format::csv:
      return fmt::print("{}", evaluation.confusion.to_csv());
  }
}

}  // namespace

Run add_eval(CLI::App& program) {
  auto options = std::make_shared<EvalOptions>();
  CLI::App* command = program.add_subcommand("eval", "How well a trained network does on a data set");
  options->model.add(*command);
  options->model.add_pictures(*command);
  add_input_option(*command, options->input);
  options->data.add(*command);
  add_choice(*command, "--split", options->split, {"test", "train"}, "which part of the data");
  add_number(*command, "--batch", options->batch, "pictures at a time");
  command->add_flag("--confusion", options->confusion, "print the confusion matrix");
  add_format_option(*command, options->format);
  options->common.add(*command);
  return [options] { run_eval(*options); };
}

}  // namespace fovea::cli
