#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

// What commands are declared with, as CLI11 understands it. All code of CLI11 is inline: only the files that define
// what follows include it, for it took half of the compile time of each command.
namespace fovea::cli {

// What is wrong with a value, or "": it must be a number that T holds. T: int, int64_t, uint64_t, double.
template <class T>
std::string check_number(const std::string& text);

// A flag or positional argument of a command, and how --help shows it.
class Option {
 public:
  explicit Option(CLI::Option& option) : option_(option) {}

  Option& type_name(const std::string& name);  // of its value: FILE
  Option& group(const std::string& heading);   // that it stands below
  Option& description(const std::string& text);
  Option& show_default();
  // What is wrong with a value, or "".
  Option& check(std::string (*what_is_wrong)(const std::string& text));
  Option& take_all();   // given several times, or with several values: all count, not the last
  Option& one_value();  // of a list each time it is given

 private:
  CLI::Option& option_;
};

CLI::App& add_command(CLI::App& program, const std::string& name, const std::string& description);

// T: std::string, std::filesystem::path, int64_t, double, std::vector<std::string>, or std::optional of a number.
template <class T>
Option add_option(CLI::App& command, const std::string& name, T& value, const std::string& description);
Option add_flag(CLI::App& command, const std::string& name, bool& value, const std::string& description);

// --flag NUMBER, its default shown by --help. T: int, int64_t, uint64_t, double.
template <class T>
Option add_number(CLI::App& command, const std::string& flag, T& value, const std::string& description);

// --flag NAME for one of several values, which --help lists; `choose` is told which one.
Option add_choice(CLI::App& command, const std::string& flag, const std::vector<std::string>& names,
                  const std::string& preset, std::function<void(size_t)> choose, const std::string& description);

template <class T>
using Choices = std::vector<std::pair<std::string, T>>;

template <class T>
Option add_choice(CLI::App& command, const std::string& flag, T& value, const Choices<T>& choices,
                  const std::string& description) {
  std::vector<std::string> names;
  std::string preset;
  for (const auto& [name, meaning] : choices) {
    names.push_back(name);
    if (meaning == value) preset = name;
  }
  const auto choose = [&value, choices](size_t i) { value = choices[i].second; };
  return add_choice(command, flag, names, preset, choose, description);
}

Option add_choice(CLI::App& command, const std::string& flag, std::string& value,
                  std::initializer_list<const char*> names, const std::string& description);

// Adds --config, read before all others.
void add_config_option(CLI::App& command);

// One of the options a command has already.
Option option_of(CLI::App& command, const std::string& name);
// On the command line or in the configuration file.
bool is_given(const CLI::App& command, const std::string& flag);
std::vector<std::string> given_options(const CLI::App& command);

}  // namespace fovea::cli
