#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

// Reading the command line: CLI11 with a configuration file for every flag and suggestions for slips.
namespace fovea::cli {

// Parses the command line and returns the subcommand chosen. Each command takes --config FILE (TOML): `epochs = 5`
// there is --epochs 5; what the command line says wins. Throws Error(usage) in one line; CLI::Success for --help and
// --version.
const CLI::App& parse(CLI::App& program, std::vector<std::string> arguments);

// Adds --config to a command.
void add_config_option(CLI::App& command);

}  // namespace fovea::cli
