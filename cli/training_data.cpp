#include "training_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

#include "command_line.h"
#include "fovea/class_balance.h"
#include "fovea/error.h"

namespace fovea::cli {

namespace {

template <class Number>
Number saved_number(const FitOptions& run, const char* detail) {
  const auto saved = run.details.find(detail);
  if (saved == run.details.end() || saved->second.empty()) return 0;
  if (const std::string problem = check_number<Number>(saved->second); !problem.empty()) {
    throw Error(ErrorKind::format,
                fmt::format("{}: {} {}", (run.run_folder / "config.json").string(), detail, problem));
  }
  Number value{};
  std::from_chars(saved->second.data(), saved->second.data() + saved->second.size(), value);
  return value;
}

std::shared_ptr<const Dataset> some_of(std::shared_ptr<const Dataset> dataset, int64_t items, uint64_t seed) {
  if (items < 0 || items > dataset->size()) {
    throw Error(ErrorKind::usage,
                fmt::format("--train-items must be between 1 and {}, or 0 for all; got {}", dataset->size(), items));
  }
  if (items == 0 || items == dataset->size()) return dataset;
  const double share = static_cast<double>(items) / static_cast<double>(dataset->size());
  return subset(dataset, stratified_split(*dataset, share, seed).second);
}

// "2/5" is {2, 5}.
std::pair<int64_t, int64_t> parse_fold(const std::string& text) {
  const size_t slash = std::min(text.find('/'), text.size());
  const std::string fold = text.substr(0, slash);
  const std::string folds = text.substr(std::min(slash + 1, text.size()));
  if (!check_number<int64_t>(fold).empty() || !check_number<int64_t>(folds).empty()) {
    throw Error(ErrorKind::usage, fmt::format("--fold must be one of so many, such as 2/5, got '{}'", text));
  }
  return {std::stoll(fold), std::stoll(folds)};
}

}  // namespace

void SplitOptions::add(CLI::App& command) {
  add_number(command, "--validation-split", validation,
             "fraction of the training pictures held out to judge epochs by; 0: judge by the test set")
      .group("Data");
  add_option(command, "--fold", fold, "hold out one of so many equal parts instead: cross-validation")
      .type_name("I/K")
      .group("Data");
  add_number(command, "--train-items", items, "train on so many of the training pictures; 0: all").group("Data");
}

TrainingData open_data(const DataOptions& data, const SplitOptions& split, uint64_t seed) {
  if (split.validation != 0 && !split.fold.empty()) {
    throw Error(ErrorKind::usage, "--fold and --validation-split both hold pictures out: give one of them");
  }
  const auto fold = split.fold.empty() ? std::pair<int64_t, int64_t>() : parse_fold(split.fold);
  const DataSplits splits = data.open();
  if (split.validation == 0 && split.fold.empty()) {
    return {some_of(splits.train, split.items, seed), splits.test, splits.test};
  }
  auto [train, validation] = split.fold.empty() ? stratified_split(*splits.train, split.validation, seed)
                                                : stratified_fold(*splits.train, fold.second, fold.first, seed);
  return {some_of(subset(splits.train, std::move(train)), split.items, seed),
          subset(splits.train, std::move(validation)), splits.test};
}

std::vector<std::string> data_warnings(const TrainingData& data) {
  std::vector<std::string> lines = class_warnings(*data.train, "train");
  for (const auto& dataset : {data.train, data.validation, data.test}) {
    if (!dataset) continue;
    const std::vector<std::string> warnings = dataset->warnings();
    for (const std::string& line : warnings) {
      if (std::ranges::find(lines, line) == lines.end()) lines.push_back(line);
    }
  }
  return lines;
}

TrainingData open_run_data(const FitOptions& run, const DataOptions& where) {
  const auto detail = [&](const char* key) {
    const auto saved = run.details.find(key);
    return saved == run.details.end() ? std::string() : saved->second;
  };
  const auto choose = [](const std::string& given, const std::string& saved) { return given.empty() ? saved : given; };
  const std::string bad = choose(where.on_bad_picture, detail("on_bad_picture"));
  const DataOptions data{.data = choose(where.data, detail("data")),
                         .data_dir = choose(where.data_dir, detail("data_dir")),
                         .on_bad_picture = bad};
  const SplitOptions split{.validation = saved_number<double>(run, "validation_split"),
                           .fold = detail("fold"),
                           .items = saved_number<int64_t>(run, "train_items")};
  return open_data(data, split, run.seed);
}

}  // namespace fovea::cli
