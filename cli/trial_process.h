#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace fovea::cli {

struct ProcessResult {
  int code = 0;            // of its exit; 128 + the signal that ended it
  std::string last_error;  // the last line on its standard error
};

// Runs this program with these arguments as a process of its own and waits for its end, so that a trial that fails in
// any way fails alone. What it says goes to `log`, appended. It does not outlive this process.
// Throws Error(failure) when it cannot be started, Error(data) when the log cannot be written.
ProcessResult run_self(const std::vector<std::string>& arguments, const std::filesystem::path& log);

}  // namespace fovea::cli
