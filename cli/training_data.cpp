#include "training_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "arguments.h"
#include "fovea/error.h"
#include "fovea/search.h"

namespace fovea::cli {

namespace {

double saved_fraction(const std::string& text, const std::filesystem::path& folder) {
  if (text.empty()) return 0;
  if (const std::string problem = check_number<double>(text); !problem.empty()) {
    throw Error(ErrorKind::format, fmt::format("{}: validation_split {}", (folder / "config.json").string(), problem));
  }
  return std::stod(text);
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

TrainingData open_data(const DataOptions& data, const HeldOut& held_out, uint64_t seed) {
  if (held_out.fraction != 0 && !held_out.fold.empty()) {
    throw Error(ErrorKind::usage, "--fold and --validation-split both hold pictures out: give one of them");
  }
  const auto fold = held_out.fold.empty() ? std::pair<int64_t, int64_t>() : parse_fold(held_out.fold);
  const DataSplits splits = data.open();
  if (!held_out.fold.empty()) {
    auto [train, validation] = fold_indices(splits.train->size(), fold.second, fold.first, seed);
    return {subset(splits.train, std::move(train)), subset(splits.train, std::move(validation)), splits.test};
  }
  if (held_out.fraction == 0) return {splits.train, splits.test, splits.test};
  auto [train, validation] = stratified_split(*splits.train, held_out.fraction, seed);
  return {subset(splits.train, std::move(train)), subset(splits.train, std::move(validation)), splits.test};
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
  return open_data(data, {saved_fraction(detail("validation_split"), run.run_folder), detail("fold")}, run.seed);
}

}  // namespace fovea::cli
