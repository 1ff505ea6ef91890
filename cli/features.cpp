#include "fovea/features.h"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "command_line.h"
#include "commands.h"
#include "core/text.h"
#include "fovea/assessment.h"
#include "fovea/error.h"
#include "fovea/tensor_file.h"
#include "model_options.h"
#include "options.h"

namespace fovea::cli {

namespace {

namespace fs = std::filesystem;

struct FeaturesOptions {
  CommonOptions common;
  ModelOptions model;
  std::string input;
  DataOptions data;
  std::string split = "train";
  FeatureOptions extract;
  std::string out;
  std::string classifier;
  int64_t neighbours = 5;
};

struct Part {
  std::shared_ptr<const Dataset> dataset;
  Tensor features{};
  std::vector<int64_t> labels{};
};

Part extract(Model& model, const std::shared_ptr<const Dataset>& dataset, const FeatureOptions& options) {
  Part part{.dataset = dataset, .features = extract_features(model, dataset, options)};
  for (int64_t i = 0; i < dataset->size(); ++i) part.labels.push_back(dataset->label(i));
  return part;
}

void write_array(const fs::path& path, const Tensor& tensor) {
  const StoredTensor stored{
      .name = "array", .dtype = DType::f32, .shape = tensor.shape(), .bytes = std::as_bytes(tensor.values())};
  write_tensor_file(path, std::span(&stored, 1));
  fmt::print("{}  {}\n", printable(path), to_string(tensor.shape()));
}

void write_part(const fs::path& path, const Part& part) {
  if (path.extension() != ".npy") {
    throw Error(ErrorKind::usage, fmt::format("--out must end in .npy, got {}", printable(path)));
  }
  write_array(path, part.features);
  Tensor labels(Shape{std::ssize(part.labels)});
  for (int64_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<float>(part.labels[static_cast<size_t>(i)]);
  write_array(fs::path(path).replace_filename(path.stem().string() + "-labels.npy"), labels);
}

double linear_accuracy(const Part& train, const Part& test) {
  const std::vector<std::string>& names = train.dataset->class_names();
  Model linear = fit_linear(train.features, train.labels, std::ssize(names));
  return assess(classify(linear, test.features), test.labels, names).scores.top1;
}

double neighbours_accuracy(const Part& train, const Part& test, int64_t k) {
  const auto found = nearest_neighbours(train.features, test.features, k);
  int64_t right = 0;
  for (size_t i = 0; i < found.size(); ++i) right += vote(found[i], train.labels) == test.labels[i] ? 1 : 0;
  return static_cast<double>(right) / static_cast<double>(found.size());
}

void run_classifier(const FeaturesOptions& options, Model& model, const DataSplits& splits) {
  if (!splits.test) {
    throw Error(ErrorKind::usage,
                "--classifier is trained on one part of the data and judged by another: "
                "this data set has no test part");
  }
  const Part train = extract(model, splits.train, options.extract);
  const Part test = extract(model, splits.test, options.extract);
  const bool linear = options.classifier == "linear";
  const double top1 = linear ? linear_accuracy(train, test) : neighbours_accuracy(train, test, options.neighbours);
  fmt::print("{}  top-1 {:.2f} %  ({} features of {} pictures, judged by {})\n",
             linear ? "linear classifier" : fmt::format("{} nearest neighbours", options.neighbours), 100 * top1,
             train.features.shape()[1], train.dataset->size(), test.dataset->size());
}

void run_features(FeaturesOptions& options) {
  options.common.apply();
  if (options.out.empty() == options.classifier.empty()) {
    throw Error(ErrorKind::usage, "say what the features are for: --out FILE.npy, or --classifier linear or knn");
  }
  Model model = options.model.open(input_shape(options.input));
  const DataSplits splits = options.data.open();
  if (options.extract.layer.empty()) options.extract.layer = feature_layer(model.graph());
  fmt::print("layer {}\n", options.extract.layer);
  if (!options.classifier.empty()) return run_classifier(options, model, splits);
  if (options.split == "test" && !splits.test) {
    throw Error(ErrorKind::usage, "--split test: this data set has no test part");
  }
  write_part(options.out, extract(model, options.split == "test" ? splits.test : splits.train, options.extract));
}

}  // namespace

Run add_features(CLI::App& program) {
  auto options = std::make_shared<FeaturesOptions>();
  CLI::App& command = add_command(program, "features", "Pictures as vectors: what a layer says of them");
  options->model.add(command);
  options->model.add_pictures(command);
  add_input_option(command, options->input);
  options->data.add(command);
  add_option(command, "--layer", options->extract.layer,
             "node to read; default: what the last dense layer or "
             "convolution reads")
      .type_name("NODE");
  add_choice(command, "--split", options->split, {"train", "test"}, "which part of the data goes to --out");
  add_option(command, "--out", options->out, "array {pictures, features}; the labels go to FILE-labels.npy")
      .type_name("FILE.npy");
  add_choice(command, "--classifier", options->classifier, {"linear", "knn"},
             "train this on the features of the training part, and tell how it does on the test part");
  add_number(command, "--neighbours", options->neighbours, "that vote in --classifier knn");
  add_number(command, "--batch", options->extract.batch, "pictures at a time");
  add_number(command, "--workers", options->extract.workers, "background threads that read pictures");
  options->common.add(command);
  return [options] { run_features(*options); };
}

}  // namespace fovea::cli
