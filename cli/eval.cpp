#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "command_line.h"
#include "commands.h"
#include "data_options.h"
#include "fovea/assessment.h"
#include "fovea/error.h"
#include "fovea/model_file.h"
#include "fovea/test_views.h"
#include "model_options.h"
#include "options.h"
#include "table.h"

namespace fovea::cli {

namespace {

using Json = nlohmann::ordered_json;

struct EvalOptions {
  CommonOptions common;
  DataOptions data;
  ModelOptions model;
  std::vector<std::string> ensemble;
  std::string input;
  std::string views;
  std::string split = "test";
  int64_t batch = 64;
  bool confusion = false;
  bool per_class = false;
  int64_t mistakes = 0;
  Format format = Format::text;
};

std::shared_ptr<const Dataset> choose_split(const EvalOptions& options) {
  const DataSplits splits = options.data.open();
  if (options.split == "train") return splits.train;
  // A folder without a test part is one set of pictures: all of it is meant.
  return splits.test ? splits.test : splits.train;
}

// Of the table's columns in `scores`; absent numbers are null.
Json to_json(const ClassScores& scores) {
  return {{"items", scores.items},
          {"precision", scores.precision},
          {"recall", scores.recall},
          {"f1", scores.f1},
          {"auc", scores.auc}};
}

Json class_rows(const Assessment& assessment) {
  Json rows = Json::array();
  for (size_t k = 0; k < assessment.classes.size(); ++k) {
    Json row = {{"class", assessment.confusion.class_names()[k]}};
    row.update(to_json(assessment.classes[k]));
    rows.push_back(row);
  }
  return rows;
}

Json mistake_rows(const Assessment& assessment, const Dataset& dataset, int64_t most) {
  Json rows = Json::array();
  for (const Mistake& mistake : assessment.mistakes) {
    if (std::ssize(rows) == most) break;
    rows.push_back({{"picture", dataset.item_name(mistake.item)},
                    {"class", dataset.class_names()[static_cast<size_t>(mistake.label)]},
                    {"prediction", dataset.class_names()[static_cast<size_t>(mistake.prediction)]},
                    {"confidence", mistake.confidence},
                    {"class_probability", mistake.label_probability}});
  }
  return rows;
}

std::string percent(const Json& value) {
  return value.is_number() ? fmt::format("{:.1f} %", 100 * value.get<double>()) : std::string("-");
}

Line class_line(const std::string& name, const ClassScores& scores) {
  const auto cell = [](double value) { return percent(std::isnan(value) ? Json() : Json(value)); };
  return {name,
          fmt::format("{}", scores.items),
          cell(scores.precision),
          cell(scores.recall),
          cell(scores.f1),
          std::isnan(scores.auc) ? "-" : fmt::format("{:.4f}", scores.auc)};
}

void print_classes(const Assessment& assessment) {
  std::vector<Line> lines = {{"class", "items", "precision", "recall", "F1", "AUC"}};
  for (size_t k = 0; k < assessment.classes.size(); ++k) {
    lines.push_back(class_line(assessment.confusion.class_names()[k], assessment.classes[k]));
  }
  lines.push_back(class_line("mean", assessment.mean));
  print_table(lines, "lrrrrr");
}

void print_mistakes(const Assessment& assessment, const Dataset& dataset, int64_t most) {
  std::vector<Line> lines = {{"picture", "is", "taken for", "with", "own"}};
  for (const Json& row : mistake_rows(assessment, dataset, most)) {
    lines.push_back({row["picture"], row["class"], row["prediction"], percent(row["confidence"]),
                     percent(row["class_probability"])});
  }
  print_table(lines, "lllrr");
}

void print_text(const EvalOptions& options, const Dataset& dataset, const Assessment& assessment) {
  const Scores& scores = assessment.scores;
  fmt::print("{}\n", dataset.describe());
  if (!options.ensemble.empty()) fmt::print("ensemble of {}\n", options.ensemble.size() + 1);
  fmt::print("loss {:.4f}  top-1 {:.2f} %", scores.loss, 100 * scores.top1);
  if (dataset.class_names().size() > 5) fmt::print("  top-5 {:.2f} %", 100 * scores.top5);
  fmt::print("  ({} of {} right)\n", dataset.size() - std::ssize(assessment.mistakes), dataset.size());
  fmt::print("calibration error {:.2f} %\n", 100 * assessment.calibration.expected_error);
  if (options.per_class) {
    fmt::print("\n");
    print_classes(assessment);
  }
  if (options.confusion) fmt::print("\n{}", assessment.confusion.to_text());
  if (options.mistakes > 0) {
    fmt::print("\n");
    print_mistakes(assessment, dataset, options.mistakes);
  }
}

void print_json(const EvalOptions& options, const Dataset& dataset, const Assessment& assessment) {
  const Scores& scores = assessment.scores;
  Json report = {{"items", dataset.size()}, {"loss", scores.loss},   {"top1", scores.top1},
                 {"top5", scores.top5},     {"top", assessment.top}, {"classes", dataset.class_names()}};
  const auto classes = std::ssize(dataset.class_names());
  for (int64_t row = 0; row < classes; ++row) {
    Json counts;
    for (int64_t column = 0; column < classes; ++column) counts.push_back(assessment.confusion.count(row, column));
    report["confusion"].push_back(counts);
  }
  report["per_class"] = class_rows(assessment);
  report["mean"] = to_json(assessment.mean);
  Json bins = Json::array();
  for (const CalibrationBin& bin : assessment.calibration.bins) {
    bins.push_back({{"count", bin.count}, {"confidence", bin.confidence}, {"accuracy", bin.accuracy}});
  }
  report["calibration"] = {{"expected_error", assessment.calibration.expected_error},
                           {"largest_error", assessment.calibration.largest_error},
                           {"bins", bins}};
  if (options.mistakes > 0) report["mistakes"] = mistake_rows(assessment, dataset, options.mistakes);
  fmt::print("{}\n", report.dump(-1, ' ', false, Json::error_handler_t::replace));
}

void print_rows(const EvalOptions& options, const Dataset& dataset, const Assessment& assessment) {
  if (options.confusion + options.per_class + (options.mistakes > 0) > 1) {
    throw Error(ErrorKind::usage, "--format csv writes one table: --confusion, --per-class or --mistakes");
  }
  if (options.per_class) return print_csv(class_rows(assessment));
  if (options.mistakes > 0) return print_csv(mistake_rows(assessment, dataset, options.mistakes));
  fmt::print("{}", assessment.confusion.to_csv());
}

// Each model's probabilities averaged over its views, then over the models.
Assessment assess_views(std::vector<Model>& models, const std::shared_ptr<const Dataset>& dataset,
                        const TestViews& views, int64_t batch) {
  Tensor means;
  for (Model& model : models) {
    const auto shown = views_of(dataset, views, model.preprocessing);
    const Evaluation evaluation = evaluate(model, shown, {.batch = batch, .probabilities = true});
    const Tensor own = mean_over_views(evaluation.probabilities, views.count());
    if (means.empty()) means = Tensor(own.shape());
    for (int64_t i = 0; i < own.size(); ++i) means[i] += own[i] / static_cast<float>(models.size());
  }
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < dataset->size(); ++i) labels.push_back(dataset->label(i));
  return assess(means, labels, dataset->class_names());
}

void run_eval(const EvalOptions& options) {
  options.common.apply();
  if (options.mistakes < 0) {
    throw Error(ErrorKind::usage, fmt::format("--mistakes must be at least 0, got {}", options.mistakes));
  }
  std::vector<Model> models;
  models.push_back(options.model.open(input_shape(options.input)));
  for (const std::string& file : options.ensemble) models.push_back(load_model(file));
  const auto dataset = in_terms_of(models.front(), choose_split(options));
  const TestViews views(options.views);
  const Assessment assessment = options.views.empty() ? assess(models, dataset, {.batch = options.batch})
                                                      : assess_views(models, dataset, views, options.batch);
  switch (options.format) {
    case Format::text:
      return print_text(options, *dataset, assessment);
    case Format::json:
      return print_json(options, *dataset, assessment);
    case Format::csv:
      return print_rows(options, *dataset, assessment);
  }
}

}  // namespace

Run add_eval(CLI::App& program) {
  auto options = std::make_shared<EvalOptions>();
  CLI::App& command = add_command(program, "eval", "How well a trained network does on a data set");
  options->model.add(command);
  options->model.add_pictures(command);
  add_views_option(command, options->views);
  add_input_option(command, options->input);
  add_option(command, "--ensemble", options->ensemble,
             "more model files: their probabilities are averaged with MODEL's")
      .type_name("FILE ...")
      .take_all();
  options->data.add(command);
  add_choice(command, "--split", options->split, {"test", "train"}, "which part of the data");
  add_number(command, "--batch", options->batch, "pictures at a time");
  add_flag(command, "--confusion", options->confusion, "print the confusion matrix; what csv has unless told");
  add_flag(command, "--per-class", options->per_class, "print precision, recall, F1 and AUC of each class");
  add_number(command, "--mistakes", options->mistakes, "print so many of the worst mistakes");
  add_format_option(command, options->format);
  options->common.add(command);
  return [options] { run_eval(*options); };
}

}  // namespace fovea::cli
