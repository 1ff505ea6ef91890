#include "fovea/train.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "command_line.h"
#include "commands.h"
#include "core/file.h"
#include "core/units.h"
#include "data_options.h"
#include "fovea/batch_test.h"
#include "fovea/chart.h"
#include "fovea/class_balance.h"
#include "fovea/error.h"
#include "fovea/model_file.h"
#include "fovea/parallel.h"
#include "fovea/range_test.h"
#include "fovea/report.h"
#include "fovea/run_folder.h"
#include "fovea/text_form.h"
#include "fovea/zoo.h"
#include "interrupt.h"
#include "options.h"
#include "progress.h"
#include "table.h"
#include "training_data.h"
#include "training_flags.h"
#include "training_model.h"

namespace fovea::cli {

namespace {

struct TrainOptions {
  CommonOptions common;
  DataOptions data;
  ResizeOptions resize;
  AugmentOptions augment;
  NetworkFlags network;
  TrainingFlags training;
  SplitOptions split;
  std::string out;
  std::string resume;
  std::string find_lr;  // where the plot goes
  bool find_batch = false;
  const CLI::App* command = nullptr;
  bool given(const std::string& flag) const { return is_given(*command, flag); }
};

std::string run_name(const std::string& model) {
  if (is_text_form(model)) return "network";
  if (is_model_file(model)) return std::filesystem::path(model).stem().string();
  return model;
}

void announce(const Model& model, const TrainingData& data, const FitOptions& fit) {
  const Cost cost = model.graph().total_cost();
  fmt::print("data      {}\n", data.train->describe());
  fmt::print("network   {} parameters, {:.2f} M multiply-adds per picture\n", cost.parameters,
             static_cast<double>(cost.multiply_adds) / 1e6);
  for (const std::string& line : class_warnings(*data.train, "train")) fmt::print("warning   {}\n", line);
  fmt::print("run       {}\n", fit.run_folder.string());
  std::fflush(stdout);
}

// The first of the pictures that vanished or broke while they were used; DataOptions::open told of the others.
void warn_of_lost_pictures(const std::vector<std::string>& warnings) {
  constexpr int shown = 10;
  int lost = 0;
  for (const std::string& warning : warnings) {
    if (warning.starts_with("replaced") && ++lost <= shown) fmt::print(stderr, "fovea: warning: {}\n", warning);
  }
  if (lost > shown)
    fmt::print(stderr, "fovea: warning: {} more were replaced; report.html counts them\n", lost - shown);
}

void report(const History& history, Model& model, const TrainingData& data, const FitOptions& fit) {
  const std::string folder = fit.run_folder.string();
  const std::vector<std::string> warnings = data_warnings(data);
  warn_of_lost_pictures(warnings);
  if (history.interrupted) {
    fmt::print(stderr, "fovea: interrupted in epoch {}; everything is saved; go on with: fovea train --resume {}\n",
               history.epochs.size() + 1, folder);
    return;
  }
  if (history.stopped_early) {
    fmt::print("stopped   after epoch {}: none of the last {} was better\n", history.epochs.size(), fit.patience);
  }
  if (history.best_epoch > 0) {
    fmt::print("best      epoch {}: top-1 {:.2f} %, kept in {}/best.safetensors\n", history.best_epoch,
               100 * history.best_top1, folder);
  }
  write_report(fit.run_folder, data.validation ? data.validation : data.train, warnings);
  fmt::print("report    {}/report.html\n", folder);
  if (data.test && data.test != data.validation) {
    model = load_model(fit.run_folder / "best.safetensors");
    fmt::print("test      top-1 {:.2f} %\n", 100 * evaluate(model, data.test).scores.top1);
  }
}

void start_display(FitOptions& fit, TrainingDisplay& display) {
  fit.on_progress = [&display](const Progress& progress) { display.on_progress(progress); };
  fit.on_epoch = [&display](const EpochRecord& record) { display.on_epoch(record); };
  fit.stop = &catch_interrupts();
}

// A named network has a rate of its own, for SGD.
void suggest_learning_rate(const TrainOptions& options, OptimizerOptions& optimizer) {
  const std::string& model = options.network.model;
  const bool has_name = !is_text_form(model) && !is_model_file(model);
  if (has_name && !options.training.has_learning_rate()) learning_rate(optimizer) = zoo::find(model).learning_rate;
}

// What a later --resume needs; paths are made absolute, so that it works from any folder.
std::map<std::string, std::string> run_details(const TrainOptions& options) {
  namespace fs = std::filesystem;
  const DataOptions& data = options.data;
  const std::vector<std::string> named = dataset_names();
  const bool is_path = std::ranges::find(named, data.data) == named.end();
  return {{"model", options.network.model},
          {"data", is_path ? fs::absolute(data.data).string() : data.data},
          {"data_dir", data.data_dir.empty() ? "" : fs::absolute(data.data_dir).string()},
          {"on_bad_picture", data.on_bad_picture},
          {"validation_split", fmt::format("{}", options.split.validation)},
          {"fold", options.split.fold},
          {"train_items", fmt::format("{}", options.split.items)},
          {"weights", options.network.weights.empty() ? "" : fs::absolute(options.network.weights).string()}};
}

// Removes a run folder in which nothing was kept.
struct RunFolderGuard {
  std::string folder;
  ~RunFolderGuard() {
    if (!folder.empty()) rmdir(folder.c_str());  // does nothing to a folder that holds something
  }
};

// The options of a new run of this model.
FitOptions make_fit_options(const TrainOptions& options, const StartingModel& start) {
  FitOptions fit = options.training.options();
  options.augment.apply(fit);
  suggest_learning_rate(options, fit.optimizer);
  if (const double factor = options.training.head_factor(); factor != 1) {
    for (const std::string& name : start.head) fit.rules.rates.push_back({name, factor});
  }
  fit.details = run_details(options);
  return fit;
}

void train_new(const TrainOptions& options) {
  FitOptions slips = options.training.options();  // come before data are read
  options.augment.apply(slips);
  const TrainingData data = open_data(options.data, options.split, options.training.seed());
  StartingModel start = make_starting_model(options.network, *data.train, options.training.seed());
  options.resize.apply(start.model.preprocessing);
  FitOptions fit = make_fit_options(options, start);
  RunFolderGuard guard;
  if (options.out.empty()) {
    fit.run_folder = create_run_folder("runs", run_name(options.network.model));
    guard.folder = fit.run_folder.string();
  } else {
    fit.run_folder = options.out;
  }
  announce(start.model, data, fit);
  if (!start.note.empty()) fmt::print("start     {}\n", start.note);
  TrainingDisplay display(fit.epochs);
  start_display(fit, display);
  report(fovea::fit(start.model, data.train, data.validation, fit), start.model, data, fit);
}

LineChart range_chart(const RangeTest& test, const std::string& model) {
  return {.title = fmt::format("Learning rate range test of {}", model),
          .x_label = "learning rate",
          .y_label = "loss",
          .log_x = true,
          .series = {{.name = "loss", .x = test.rates, .y = test.losses}}};
}

void find_rate(const TrainOptions& options) {
  const TrainingData data = open_data(options.data, options.split, options.training.seed());
  StartingModel start = make_starting_model(options.network, *data.train, options.training.seed());
  options.resize.apply(start.model.preprocessing);
  const FitOptions fit = make_fit_options(options, start);
  const RangeTest test = find_learning_rate(start.model, data.train, fit);
  const std::string picture = to_svg(range_chart(test, run_name(options.network.model)));
  write_file_atomically(options.find_lr, std::as_bytes(std::span(picture)));
  fmt::print("steepest  {:.3g}: where the loss falls fastest\n", test.steepest);
  fmt::print("suggested {:.3g}: a tenth of the rate with the lowest loss\n", test.suggested);
  fmt::print("plot      {}\n", options.find_lr);
}

void find_batch_size(const TrainOptions& options) {
  const TrainingData data = open_data(options.data, options.split, options.training.seed());
  StartingModel start = make_starting_model(options.network, *data.train, options.training.seed());
  options.resize.apply(start.model.preprocessing);
  const BatchTest test = find_batch(start.model, data.train, make_fit_options(options, start));
  std::vector<Line> lines = {{"batch", "memory", "images/s"}};
  for (const MeasuredBatch& measured : test.batches) {
    lines.push_back({fmt::format("{}", measured.batch), bytes_with_unit(measured.bytes),
                     fmt::format("{:.0f}", measured.images_per_second)});
  }
  print_table(lines, "rrr");
  fmt::print("suggested {}: the smallest within 5 % of the fastest\n", test.suggested);
  fmt::print("largest   {}: {}\n", test.largest,
             test.largest == data.train->size() ? "all training pictures" : "twice as many would not fit into memory");
}

// Flags that would make it another run.
void refuse_changes(const TrainOptions& options) {
  static const std::vector<std::string> free = {"--resume",  "--epochs",         "--data",   "--data-dir",  "--workers",
                                                "--threads", "--on-bad-picture", "--config", "--save-every"};
  for (const std::string& flag : given_options(*options.command)) {
    if (std::ranges::find(free, flag) != free.end()) continue;
    throw Error(ErrorKind::usage, fmt::format("{} cannot be changed by --resume: the run goes on as it began", flag));
  }
}

void resume_run(const TrainOptions& options) {
  refuse_changes(options);
  FitOptions fit = read_run_config(options.resume);
  const FitOptions asked = options.training.options();
  if (options.given("--epochs")) fit.epochs = asked.epochs;
  if (options.given("--workers")) fit.workers = asked.workers;
  if (options.given("--save-every")) fit.save_every = asked.save_every;
  DataOptions where = options.data;
  if (!options.given("--on-bad-picture")) where.on_bad_picture.clear();
  const TrainingData data = open_run_data(fit, where);
  Model model = load_model(fit.run_folder / "last.safetensors");
  announce(model, data, fit);
  TrainingDisplay display(fit.epochs);
  start_display(fit, display);
  report(fovea::resume(model, data.train, data.validation, fit), model, data, fit);
}

void add_run_flags(CLI::App& command, TrainOptions& options) {
  const std::string group = "Run";
  add_option(command, "--out", options.out, "run folder; default: runs/MODEL, numbered when taken")
      .type_name("FOLDER")
      .group(group);
  add_option(command, "--resume", options.resume, "go on with the run kept in this folder; --epochs may be raised")
      .type_name("FOLDER")
      .group(group);
  add_option(command, "--find-lr", options.find_lr,
             "instead of training: let the learning rate grow over 100 steps, write the loss as a picture here")
      .type_name("FILE.svg")
      .group(group);
  add_flag(command, "--find-batch", options.find_batch,
           "instead of training: tell how fast it is with batches of 4, 8, 16 ..., and which memory holds")
      .group(group);
}

}  // namespace

Run add_train(CLI::App& program) {
  auto options = std::make_shared<TrainOptions>();
  CLI::App& command = add_command(program, "train", "Train a network on labelled pictures");
  options->command = &command;
  options->network.add(command);
  options->data.add(command);
  options->augment.add(command);
  options->resize.add(command);
  options->split.add(command);
  options->training.add(command);
  add_run_flags(command, *options);
  options->common.add(command);
  return [options] {
    options->common.apply();
    if (options->given("--resume")) return resume_run(*options);
    if (options->given("--find-lr")) return find_rate(*options);
    if (options->find_batch) return find_batch_size(*options);
    train_new(*options);
  };
}

}  // namespace fovea::cli
