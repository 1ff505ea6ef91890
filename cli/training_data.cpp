#include "training_data.h"

#include <fmt/format.h>

#include <string>

#include "arguments.h"
#include "fovea/error.h"

namespace fovea::cli {

namespace {

double saved_fraction(const std::string& text, const std::filesystem::path& folder) {
  if (text.empty()) return 0;
  if (const std::string problem = check_number<double>(text); !problem.empty()) {
    throw Error(ErrorKind::format, fmt::format("{}: validation_split {}", (folder / "config.json").string(), problem));
  }
  return std::stod(text);
}

}  // namespace

TrainingData open_data(const DataOptions& data, double validation_split, uint64_t seed) {
  const DataSplits splits = data.open();
  if (validation_split == 0) return {splits.train, splits.test, splits.test};
  auto [train, validation] = stratified_split(*splits.train, validation_split, seed);
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
  return open_data(data, saved_fraction(detail("validation_split"), run.run_folder), run.seed);
}

}  // namespace fovea::cli
