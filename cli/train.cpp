#include "fovea/train.h"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "commands.h"
#include "fovea/error.h"
#include "fovea/model_file.h"
#include "fovea/parallel.h"
#include "fovea/run_folder.h"
#include "fovea/text_form.h"
#include "fovea/zoo.h"
#include "interrupt.h"
#include "options.h"
#include "progress.h"

namespace fovea::cli {

namespace {

struct TrainOptions {
  CommonOptions common;
  DataOptions data;
  NetworkOptions network;
  std::string model;
  std::string init;
  double validation_split = 0;
  FitOptions fit{.optimizer = {.lr = 0.05}, .schedule = {.kind = Schedule::Kind::cosine}};
  std::string out;
  std::string resume;
};

// What is trained on, and what each epoch is judged by.
struct TrainingData {
  std::shared_ptr<const Dataset> train, validation, test;
};

TrainingData open_data(const DataOptions& data, double validation_split, uint64_t seed) {
  const DataSplits splits = data.open();
  if (validation_split == 0) return {splits.train, splits.test, splits.test};
  auto [train, validation] = split_indices(splits.train->size(), validation_split, seed);
  return {subset(splits.train, std::move(train)), subset(splits.train, std::move(validation)), splits.test};
}

// The input of a new network for these pictures: as asked for, else the network's own extents with the pictures'
// colours, else (text form) the pictures' extents.
Shape choose_input(const TrainOptions& options, const Dataset& train) {
  if (const Shape asked = options.network.input_shape(); asked.rank() != 0) return asked;
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
  require_option(options.model, "--model NAME, FILE or \"text form\"");
  const auto classes = static_cast<int64_t>(train.class_names().size());
  if (is_model_file(options.model)) return load_model(options.model);
  const Shape input = choose_input(options, train);
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
    fmt::print("interrupted after epoch {}; everything is saved. Go on with: fovea train --resume {}\n",
               history.epochs.size(), folder);
    return;
  }
  if (history.best_epoch > 0) {
    fmt::print("best      epoch {}: top-1 {:.2f} %, kept in {}/best.safetensors\n", history.best_epoch,
               100 * history.best_top1, folder);
  }
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

void train_new(const TrainOptions& options) {
  const TrainingData data = open_data(options.data, options.validation_split, options.fit.seed);
  Model model = new_model(options, *data.train);
  FitOptions fit = options.fit;
  fit.details = {{"model", options.model},
                 {"data", options.data.data},
                 {"data_dir", options.data.data_dir},
                 {"on_bad_picture", options.data.on_bad_picture},
                 {"validation_split", fmt::format("{}", options.validation_split)}};
  fit.run_folder =
      options.out.empty() ? create_run_folder("runs", run_name(options.model)) : std::filesystem::path(options.out);
  announce(model, data, fit);
  TrainingDisplay display(fit.epochs);
  start_display(fit, display);
  report(fovea::fit(model, data.train, data.validation, fit), model, data, fit);
}

void train_on(const TrainOptions& options) {
  FitOptions fit = read_run_config(options.resume);
  const auto detail = [&](const std::string& name) {
    const auto found = fit.details.find(name);
    return found == fit.details.end() ? std::string() : found->second;
  };
  DataOptions where{.data = detail("data"), .data_dir = detail("data_dir"), .on_bad_picture = detail("on_bad_picture")};
  if (!options.data.data.empty()) where.data = options.data.data;
  if (!options.data.data_dir.empty()) where.data_dir = options.data.data_dir;
  const std::string split = detail("validation_split");
  const TrainingData data = open_data(where, split.empty() ? 0 : std::stod(split), fit.seed);
  Model model = load_model(fit.run_folder / "last.safetensors");
  announce(model, data, fit);
  TrainingDisplay display(fit.epochs);
  start_display(fit, display);
  report(fovea::resume(model, data.train, data.validation, fit), model, data, fit);
}

void add_training_flags(CLI::App& command, TrainOptions& options) {
  static const std::map<std::string, Schedule::Kind> schedules = {
      {"constant", Schedule::Kind::constant}, {"step", Schedule::Kind::step}, {"cosine", Schedule::Kind::cosine}};
  FitOptions& fit = options.fit;
  command.add_option("--epochs", fit.epochs, "passes over the training pictures")->capture_default_str();
  command.add_option("--batch", fit.batch, "pictures per step")->capture_default_str();
  command.add_option("--lr", fit.optimizer.lr, "learning rate")->capture_default_str();
  command.add_option("--momentum", fit.optimizer.momentum, "of SGD")->capture_default_str();
  command.add_flag("--nesterov", fit.optimizer.nesterov, "Nesterov's momentum");
  command.add_option("--weight-decay", fit.optimizer.weight_decay, "L2 penalty")->capture_default_str();
  command.add_option("--schedule", fit.schedule.kind, "of the learning rate: constant, step or cosine (default)")
      ->transform(CLI::CheckedTransformer(schedules))
      ->type_name("");
  command.add_option("--step-every", fit.schedule.every, "epochs between two steps of --schedule step")
      ->capture_default_str();
  command.add_option("--gamma", fit.schedule.gamma, "factor of each step of --schedule step")->capture_default_str();
  command.add_option("--warmup", fit.schedule.warmup, "epochs in which the rate rises from zero")
      ->capture_default_str();
  command.add_option("--init", options.init, "weights: he or xavier; default: the network's own")
      ->check(CLI::IsMember({"he", "xavier"}));
  command.add_option("--seed", fit.seed, "of weights, order and dropout")->capture_default_str();
  command.add_option("--workers", fit.workers, "background threads that read pictures")->capture_default_str();
  command.add_option("--save-every", fit.save_every, "seconds between checkpoints within an epoch")
      ->capture_default_str();
}

}  // namespace

Run add_train(CLI::App& program) {
  auto options = std::make_shared<TrainOptions>();
  CLI::App* command = program.add_subcommand("train", "Train a network on labelled pictures");
  command->add_option("--model", options->model,
                      "a name (lenet5), a model file to start from, or a text form (\"conv 32 3x3 pad 1, relu, ...\")");
  options->data.add(*command);
  options->network.add(*command);
  command
      ->add_option("--validation-split", options->validation_split,
                   "fraction of the training pictures held out to judge epochs by; 0: judge by the test set")
      ->capture_default_str();
  add_training_flags(*command, *options);
  command->add_option("--out", options->out, "run folder; default: runs/MODEL, numbered when taken");
  command->add_option("--resume", options->resume, "run folder of an interrupted training to go on with");
  options->common.add(*command);
  return [options] {
    options->common.apply();
    options->resume.empty() ? train_new(*options) : train_on(*options);
  };
}

}  // namespace fovea::cli
