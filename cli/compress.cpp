#include "fovea/compress.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "command_line.h"
#include "commands.h"
#include "core/units.h"
#include "fovea/error.h"
#include "fovea/model_file.h"
#include "fovea/train.h"
#include "model_options.h"
#include "options.h"
#include "table.h"

namespace fovea::cli {

namespace {

using Json = nlohmann::ordered_json;

struct CompressOptions {
  CommonOptions common;
  ModelOptions model;
  std::string input;
  DataOptions data;
  double sparsity = 0.9;
  int64_t rounds = 3;
  int clusters = 32;
  int64_t epochs = 1;
  double lr = 0.002;
  int64_t batch = 64;
  uint64_t seed = 0;
  std::string out;
  Format format = Format::text;
};

// Measures a model after every stage, and shows it.
class Compressor {
 public:
  explicit Compressor(const CompressOptions& options)
      : options_(options), model_(options.model.open(input_shape(options.input))), splits_(options.data.open()) {}

  void run() {
    original_bytes_ = 4.0 * static_cast<double>(total_parameters());
    note("original", static_cast<int64_t>(original_bytes_), model_);
    if (options_.sparsity > 0) prune();
    if (options_.clusters > 0) share();
    note_file();
    print();
  }

 private:
  int64_t total_parameters() const {
    int64_t count = 0;
    for (const Tensor& parameter : model_.parameters()) count += parameter.size();
    return count;
  }

  // Step by step, so that what is left can take over what went: 1 - (1 - sparsity)^(round / rounds) is gone by then.
  void prune() {
    for (int64_t round = 1; round <= options_.rounds; ++round) {
      const double kept =
          std::pow(1 - options_.sparsity, static_cast<double>(round) / static_cast<double>(options_.rounds));
      pruning_.emplace(model_, 1 - kept);
      retrain(*pruning_);
      note(fmt::format("pruned to {:.1f} %", 100 * kept), save_compressed(model_, options_.out), model_);
    }
  }

  void share() {
    const WeightSharing sharing(model_, options_.clusters);
    retrain(sharing);
    note(fmt::format("{} values per layer", options_.clusters), save_compressed(model_, options_.out), model_);
  }

  void retrain(const std::function<void(Model&)>& constraint) {
    if (options_.epochs == 0) return;
    FitOptions fit;
    fit.epochs = options_.epochs;
    fit.batch = options_.batch;
    fit.seed = options_.seed;
    fit.optimizer = Sgd{.lr = options_.lr};
    fit.constrain = constraint;
    fovea::fit(model_, splits_.train, nullptr, fit);
  }

  // What counts is the file as it will be used.
  void note_file() {
    const int64_t bytes = save_compressed(model_, options_.out);
    Model loaded = load_model(options_.out);
    note("as loaded again", bytes, loaded);
  }

  void note(const std::string& stage, int64_t bytes, Model& model) {
    const WeightCount count = count_weights(model);
    const Scores scores = evaluate(model, splits_.test ? splits_.test : splits_.train).scores;
    rows_.push_back({{"stage", stage},
                     {"weights", count.nonzero},
                     {"kept", static_cast<double>(count.nonzero) / static_cast<double>(count.all)},
                     {"bytes", bytes},
                     {"ratio", original_bytes_ / static_cast<double>(bytes)},
                     {"loss", scores.loss},
                     {"top1", scores.top1}});
  }

  void print() const {
    switch (options_.format) {
      case Format::json:
        return fmt::print("{}\n", rows_.dump());
      case Format::csv:
        return print_csv(rows_);
      case Format::text:
        break;
    }
    std::vector<Line> lines = {{"stage", "weights", "kept", "size", "ratio", "loss", "top-1"}};
    for (const Json& row : rows_) {
      lines.push_back(
          {row["stage"], with_unit(row["weights"]), fmt::format("{:.1f} %", 100 * row["kept"].get<double>()),
           bytes_with_unit(row["bytes"]), fmt::format("{:.1f}x", row["ratio"].get<double>()),
           fmt::format("{:.4f}", row["loss"].get<double>()), fmt::format("{:.2f} %", 100 * row["top1"].get<double>())});
    }
    print_table(lines, "lrrrrrr");
    fmt::print("{}\n", options_.out);
  }

  const CompressOptions& options_;
  Model model_;
  DataSplits splits_;
  std::optional<Pruning> pruning_;
  double original_bytes_ = 0;
  Json rows_ = Json::array();
};

void run_compress(const CompressOptions& options) {
  options.common.apply();
  require_option(options.out, "name the file to write with --out FILE");
  const auto refuse = [](const char* flag, const char* what, auto value) {
    throw Error(ErrorKind::usage, fmt::format("{} must be {}, got {}", flag, what, value));
  };
  if (!(options.sparsity >= 0 && options.sparsity < 1))
    refuse("--sparsity", "at least 0 and below 1", options.sparsity);
  if (options.clusters < 0 || options.clusters > 255) refuse("--clusters", "between 0 and 255", options.clusters);
  if (options.rounds < 1 || options.rounds > 1000) refuse("--rounds", "between 1 and 1000", options.rounds);
  if (options.epochs < 0) refuse("--epochs", "at least 0", options.epochs);
  Compressor(options).run();
}

}  // namespace

Run add_compress(CLI::App& program) {
  auto options = std::make_shared<CompressOptions>();
  CLI::App& command =
      add_command(program, "compress", "Make a trained network's file small: prune, share weights, code by entropy");
  options->model.add(command);
  options->model.add_pictures(command);
  add_input_option(command, options->input);
  options->data.add(command);
  add_option(command, "--out", options->out, "file to write, which is a model as any other").type_name("FILE");
  add_number(command, "--sparsity", options->sparsity, "fraction of weights that become zero; 0: none");
  add_number(command, "--rounds", options->rounds, "steps in which it is reached");
  add_number(command, "--clusters", options->clusters,
             "values that the weights of a layer have in common; 0: no sharing");
  add_number(command, "--epochs", options->epochs, "of retraining after each round of pruning, and after sharing");
  add_number(command, "--lr", options->lr, "learning rate of retraining");
  add_number(command, "--batch", options->batch, "pictures per step");
  add_number(command, "--seed", options->seed, "of the order of pictures");
  add_format_option(command, options->format);
  options->common.add(command);
  return [options] { run_compress(*options); };
}

}  // namespace fovea::cli
