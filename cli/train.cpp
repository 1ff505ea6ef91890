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

#include "arguments.h"
#include "commands.h"
#include "fovea/error.h"
#include "fovea/model_file.h"
#include "fovea/parallel.h"
#include "fovea/report.h"
#include "fovea/run_folder.h"
#include "fovea/text_form.h"
#include "fovea/zoo.h"
#include "interrupt.h"
#include "options.h"
#include "progress.h"
#include "training_data.h"

namespace fovea::cli {

namespace {

struct TrainOptions {
  CommonOptions common;
  DataOptions data;
  std::string model;
  std::string input;
  std::string init;
  double validation_split = 0;
  FitOptions fit{.optimizer = {.lr = 0.01}, .schedule = {.kind = Schedule::Kind::cosine}};
  std::string out;
  std::string resume;
  const CLI::App* command = nullptr;
  bool given(const std::string& flag) const { return command->count(flag) > 0; }
};

// The input of a new network for these pictures: as asked for, else the network's own extents with the pictures'
// colours, else (text form) the pictures' extents.
Shape choose_input(const TrainOptions& options, const Dataset& train) {
  if (const Shape asked = input_shape(options.input); asked.rank() != 0) {
    if (asked.rank() != 3) {
      throw Error(ErrorKind::usage, fmt::format("--input of pictures is HEIGHTxWIDTHxCHANNELS, got {}", options.input));
    }
    if (asked[2] == 1 || asked[2] == 3) return asked;
    throw Error(ErrorKind::usage, fmt::format("--input: pictures have 1 or 3 channels, got {}", options.input));
  }
  const PictureShape pictures = train.picture_shape();
  if (!is_text_form(options.model)) {
    const Shape& own = zoo::find(options.model).input;
    return {own[0], own[1], pictures.channels};
  }
  if (pictures.height == 0) {
    throw Error(ErrorKind::usage,
                "the pictures differ in size: choose the network's with --input HEIGHTxWIDTHxCHANNELS");
  }
  return {pictures.height, pictures.width, pictures.channels};
}

// Pictures a little smaller than the input are framed in black (28x28 digits in LeNet-5's 32x32), others resized.
int choose_padding(const Shape& input, const PictureShape& pictures) {
  constexpr int64_t widest_frame = 4;
  const int64_t rows = input[0] - pictures.height;
  const int64_t columns = input[1] - pictures.width;
  return rows == columns && rows > 0 && rows % 2 == 0 && rows / 2 <= widest_frame ? static_cast<int>(rows / 2) : 0;
}

Initializer choose_initializer(const TrainOptions& options) {
  if (options.init == "he") return Initializer::he_normal;
  if (options.init == "xavier") return Initializer::xavier_uniform;
  return is_text_form(options.model) ? Initializer::he_normal : zoo::find(options.model).initializer;
}

Model new_model(const TrainOptions& options, const Dataset& train) {
  require_option(options.model, "choose a network with --model NAME, FILE or \"text form\"");
  if (is_model_file(options.model)) {
    if (options.input.empty() && options.init.empty()) return load_model(options.model);
    throw Error(ErrorKind::usage,
                fmt::format("--input and --init are for new networks; {} has its own", options.model));
  }
  const Shape input = choose_input(options, train);
  // A text form says its classes itself.
  const int64_t classes = is_text_form(options.model) ? 0 : std::ssize(train.class_names());
  Model model(describe_network(options.model, input, classes), options.fit.seed, choose_initializer(options));
  const auto channels = static_cast<int>(input[2]);
  const Statistics statistics = measure_statistics(train, channels);
  model.preprocessing = {.height = static_cast<int>(input[0]),
                         .width = static_cast<int>(input[1]),
                         .channels = channels,
                         .padding = choose_padding(input, train.picture_shape()),
                         .mean = statistics.mean,
                         .std = statistics.std};
  model.class_names = train.class_names();
  return model;
}

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
  fmt::print("run       {}\n", fit.run_folder.string());
  std::fflush(stdout);
}

void report(const History& history, Model& model, const TrainingData& data, const FitOptions& fit) {
  const std::string folder = fit.run_folder.string();
  if (history.interrupted) {
    fmt::print(stderr, "fovea: interrupted in epoch {}; everything is saved; go on with: fovea train --resume {}\n",
               history.epochs.size() + 1, folder);
    return;
  }
  if (history.best_epoch > 0) {
    fmt::print("best      epoch {}: top-1 {:.2f} %, kept in {}/best.safetensors\n", history.best_epoch,
               100 * history.best_top1, folder);
  }
  write_report(fit.run_folder, data.validation ? data.validation : data.train);
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

double suggested_learning_rate(const TrainOptions& options) {
  const bool has_name = !is_text_form(options.model) && !is_model_file(options.model);
  return has_name ? zoo::find(options.model).learning_rate : options.fit.optimizer.lr;
}

// What a later --resume needs; paths are made absolute, so that it works from any folder.
std::map<std::string, std::string> run_details(const TrainOptions& options) {
  namespace fs = std::filesystem;
  const DataOptions& data = options.data;
  const std::vector<std::string> named = dataset_names();
  const bool is_path = std::ranges::find(named, data.data) == named.end();
  return {{"model", options.model},
          {"data", is_path ? fs::absolute(data.data).string() : data.data},
          {"data_dir", data.data_dir.empty() ? "" : fs::absolute(data.data_dir).string()},
          {"on_bad_picture", data.on_bad_picture},
          {"validation_split", fmt::format("{}", options.validation_split)}};
}

// Removes a run folder in which nothing was kept.
struct RunFolderGuard {
  std::string folder;
  ~RunFolderGuard() {
    if (!folder.empty()) rmdir(folder.c_str());  // does nothing to a folder that holds something
  }
};

void train_new(const TrainOptions& options) {
  const TrainingData data = open_data(options.data, options.validation_split, options.fit.seed);
  Model model = new_model(options, *data.train);
  FitOptions fit = options.fit;
  if (!options.given("--lr")) fit.optimizer.lr = suggested_learning_rate(options);
  fit.details = run_details(options);
  RunFolderGuard guard;
  if (options.out.empty()) {
    fit.run_folder = create_run_folder("runs", run_name(options.model));
    guard.folder = fit.run_folder.string();
  } else {
    fit.run_folder = options.out;
  }
  announce(model, data, fit);
  TrainingDisplay display(fit.epochs);
  start_display(fit, display);
  report(fovea::fit(model, data.train, data.validation, fit), model, data, fit);
}

// Flags that would make it another run.
void refuse_changes(const TrainOptions& options) {
  static const std::vector<std::string> free = {"--resume",  "--epochs",         "--data",   "--data-dir",  "--workers",
                                                "--threads", "--on-bad-picture", "--config", "--save-every"};
  for (const CLI::Option* option : options.command->get_options()) {
    const std::string flag = option->get_name();
    if (option->count() == 0 || std::ranges::find(free, flag) != free.end()) continue;
    throw Error(ErrorKind::usage, fmt::format("{} cannot be changed by --resume: the run goes on as it began", flag));
  }
}

void resume_run(const TrainOptions& options) {
  refuse_changes(options);
  FitOptions fit = read_run_config(options.resume);
  if (options.given("--epochs")) fit.epochs = options.fit.epochs;
  if (options.given("--workers")) fit.workers = options.fit.workers;
  if (options.given("--save-every")) fit.save_every = options.fit.save_every;
  DataOptions where = options.data;
  if (!options.given("--on-bad-picture")) where.on_bad_picture.clear();
  const TrainingData data = open_run_data(fit, where);
  Model model = load_model(fit.run_folder / "last.safetensors");
  announce(model, data, fit);
  TrainingDisplay display(fit.epochs);
  start_display(fit, display);
  report(fovea::resume(model, data.train, data.validation, fit), model, data, fit);
}

void add_optimizer_flags(CLI::App& command, FitOptions& fit) {
  const std::string group = "Optimisation";
  add_number(command, "--epochs", fit.epochs, "passes over the training pictures")->group(group);
  add_number(command, "--batch", fit.batch, "pictures per step")->group(group);
  add_number(command, "--lr", fit.optimizer.lr, "learning rate; lenet5 has 0.05 of its own")->group(group);
  add_number(command, "--momentum", fit.optimizer.momentum, "of SGD, at least 0 and below 1")->group(group);
  command.add_flag("--nesterov", fit.optimizer.nesterov, "Nesterov's momentum")->group(group);
  add_number(command, "--weight-decay", fit.optimizer.weight_decay, "L2 penalty")->group(group);
  add_number(command, "--max-norm", fit.optimizer.max_norm, "largest norm of a filter's weights; 0: no limit")
      ->group(group);
  add_choice<Loss::Kind>(command, "--loss", fit.loss.kind,
                         {{"cross-entropy", Loss::Kind::cross_entropy}, {"hinge", Loss::Kind::hinge}},
                         "what is minimised")
      ->group(group);
  add_number(command, "--label-smoothing", fit.loss.label_smoothing,
             "share of the target that all classes have in common, 0 to 1")
      ->group(group);
  using Kind = Schedule::Kind;
  add_choice<Kind>(command, "--schedule", fit.schedule.kind,
                   {{"constant", Kind::constant}, {"step", Kind::step}, {"cosine", Kind::cosine}},
                   "course of the learning rate")
      ->group(group);
  add_number(command, "--step-every", fit.schedule.every, "epochs between two steps of --schedule step")->group(group);
  add_number(command, "--gamma", fit.schedule.gamma, "factor of each step of --schedule step")->group(group);
  add_number(command, "--warmup", fit.schedule.warmup, "epochs in which the rate rises from zero")->group(group);
  add_number(command, "--seed", fit.seed, "of weights, order and dropout")->group(group);
}

void add_network_flags(CLI::App& command, TrainOptions& options) {
  const std::string group = "Network";
  command
      .add_option("--model", options.model,
                  "a name (lenet5), a model file to start from, or a text form (\"conv 32 3x3 pad 1, relu, ...\")")
      ->type_name("NETWORK")
      ->group(group);
  add_input_option(command, options.input)->group(group);
  add_choice(command, "--init", options.init, {"he", "xavier"}, "initial weights; default: the network's own")
      ->group(group);
}

void add_run_flags(CLI::App& command, TrainOptions& options) {
  const std::string group = "Run";
  command.add_option("--out", options.out, "run folder; default: runs/MODEL, numbered when taken")
      ->type_name("FOLDER")
      ->group(group);
  command.add_option("--resume", options.resume, "go on with the run kept in this folder; --epochs may be raised")
      ->type_name("FOLDER")
      ->group(group);
  add_number(command, "--save-every", options.fit.save_every, "seconds between checkpoints within an epoch")
      ->group(group);
}

}  // namespace

Run add_train(CLI::App& program) {
  auto options = std::make_shared<TrainOptions>();
  CLI::App* command = program.add_subcommand("train", "Train a network on labelled pictures");
  options->command = command;
  add_network_flags(*command, *options);
  options->data.add(*command);
  add_number(*command, "--validation-split", options->validation_split,
             "fraction of the training pictures held out to judge epochs by; 0: judge by the test set")
      ->group("Data");
  add_number(*command, "--workers", options->fit.workers, "background threads that read pictures")->group("Data");
  add_optimizer_flags(*command, options->fit);
  add_run_flags(*command, *options);
  options->common.add(*command);
  return [options] {
    options->common.apply();
    options->given("--resume") ? resume_run(*options) : train_new(*options);
  };
}

}  // namespace fovea::cli
