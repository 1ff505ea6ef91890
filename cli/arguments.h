#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

// Reading the command line: CLI11 with a configuration file for every flag and suggestions for slips.
namespace fovea::cli {

// Parses the command line and returns the subcommand chosen. Each command takes --config FILE (TOML): `epochs = 5`
// there is --epochs 5; what the command line says wins. Throws Error(usage) in one line; CLI::Success for --help and
// --version.
const CLI::App& parse(CLI::App& program, std::vector<std::string> arguments);

// Throws Error(usage).
[[noreturn]] void usage_error(const std::string& message);

// What is wrong with a value, or "": it must be one of the names.
std::string check_choice(const std::string& text, const std::vector<std::string>& names);

}  // namespace fovea::cli
