#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "command_line.h"
#include "commands.h"
#include "core/text.h"
#include "fovea/error.h"
#include "fovea/onnx.h"
#include "options.h"

namespace fovea::cli {

namespace {

namespace fs = std::filesystem;

struct CheckOptions {
  CommonOptions common;
  std::vector<std::string> folders;
  Format format = Format::text;
};

// Every folder below that holds a model.onnx, or the folder itself.
std::vector<fs::path> find_tests(const fs::path& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    throw Error(ErrorKind::data, fmt::format("{} is not a folder", printable(folder)));
  }
  if (fs::exists(folder / "model.onnx", error)) return {folder};
  std::vector<fs::path> tests;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().filename() == "model.onnx") tests.push_back(entry.path().parent_path());
  }
  std::ranges::sort(tests);
  return tests;
}

void run_check(const CheckOptions& options) {
  options.common.apply();
  if (options.folders.empty()) throw Error(ErrorKind::usage, "name folders with ONNX backend tests");
  constexpr std::array outcomes = {"passed", "failed", "unsupported"};
  std::array<int, 3> counts{};
  nlohmann::ordered_json report = nlohmann::ordered_json::array();
  if (options.format == Format::csv) fmt::print("test,outcome,reason\n");
  for (const std::string& folder : options.folders) {
    for (const fs::path& test : find_tests(folder)) {
      const OnnxCheck check = check_onnx(test);
      const auto outcome = static_cast<size_t>(check.outcome);
      ++counts[outcome];
      const std::string name = printable(test);
      switch (options.format) {
        case Format::text:
          fmt::print("{:<11}  {}{}{}\n", outcomes[outcome], name, check.reason.empty() ? "" : ": ", check.reason);
          break;
        case Format::json:
          report.push_back({{"test", name}, {"outcome", outcomes[outcome]}, {"reason", check.reason}});
          break;
        case Format::csv:
          fmt::print("{},{},{}\n", csv_field(name), outcomes[outcome], csv_field(check.reason));
          break;
      }
    }
  }
  if (options.format == Format::json) {
    const nlohmann::ordered_json all = {
        {"passed", counts[0]}, {"failed", counts[1]}, {"skipped", counts[2]}, {"tests", report}};
    fmt::print("{}\n", all.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
  }
  // Beside a report for programs it goes to the terminal.
  fmt::print(options.format == Format::text ? stdout : stderr, "{} passed, {} failed, {} skipped\n", counts[0],
             counts[1], counts[2]);
  if (counts[1] > 0) throw Error(ErrorKind::failure, fmt::format("{} of the checks failed", counts[1]));
}

}  // namespace

Run add_check(CLI::App& program) {
  auto options = std::make_shared<CheckOptions>();
  CLI::App& command = add_command(program, "check", "Run ONNX's backend tests");
  add_option(command, "folders", options->folders, "folders that hold, or whose folders hold, model.onnx and test data")
      .type_name("DIR")
      .take_all();
  add_format_option(command, options->format);
  options->common.add(command);
  return [options] { run_check(*options); };
}

}  // namespace fovea::cli
