#pragma once

#include <CLI/CLI.hpp>
#include <charconv>
#include <initializer_list>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

// Reading the command line: CLI11 with a configuration file for every flag and suggestions for slips.
namespace fovea::cli {

// Parses the command line and returns the subcommand chosen. Each command takes --config FILE (TOML): `epochs = 5`
// there is --epochs 5; what the command line says wins. Throws Error(usage) in one line; CLI::Success for --help and
// --version.
const CLI::App& parse(CLI::App& program, std::vector<std::string> arguments);

// Throws Error(usage).
[[noreturn]] void usage_error(const std::string& message);

// Adds --config to a command.
void add_config_option(CLI::App& command);

// What is wrong with a value, or "": it must be a number that T holds.
template <class T>
std::string check_number(const std::string& text) {
  T value{};
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc() && rest == end) return {};
  if (error == std::errc::result_out_of_range && rest == end) return "'" + text + "' is out of range";
  const char* const kind = std::is_floating_point_v<T> ? "a number"
                           : std::is_unsigned_v<T>     ? "a whole number of at least 0"
                                                       : "a whole number";
  return std::string("must be ") + kind + ", got '" + text + "'";
}

// --flag NUMBER, its default shown by --help.
template <class T>
CLI::Option* add_number(CLI::App& command, const std::string& flag, T& value, const std::string& description) {
  return command.add_option(flag, value, description)->check(check_number<T>)->capture_default_str();
}

// What is wrong with a value, or "": it must be one of the names.
std::string check_choice(const std::string& text, const std::vector<std::string>& names);

// --flag NAME for one of several values, which --help lists.
template <class T>
using Choices = std::vector<std::pair<std::string, T>>;

template <class T>
CLI::Option* add_choice(CLI::App& command, const std::string& flag, T& value, const Choices<T>& choices,
                        const std::string& description) {
  std::vector<std::string> names;
  std::string listed;
  std::string preset;
  for (const auto& [name, meaning] : choices) {
    names.push_back(name);
    listed += (listed.empty() ? "" : "|") + name;
    if (meaning == value) preset = name;
  }
  const auto choose = [&value, choices](const std::string& text) {
    for (const auto& [name, meaning] : choices) {
      if (name == text) value = meaning;
    }
  };
  return command.add_option_function<std::string>(flag, choose, description)
      ->check([names](const std::string& text) { return check_choice(text, names); })
      ->default_str(preset)
      ->type_name(listed);
}

inline CLI::Option* add_choice(CLI::App& command, const std::string& flag, std::string& value,
                               std::initializer_list<const char*> names, const std::string& description) {
  Choices<std::string> choices;
  for (const char* name : names) choices.emplace_back(name, name);
  return add_choice(command, flag, value, choices, description);
}

}  // namespace fovea::cli
