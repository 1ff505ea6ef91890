#include "command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <system_error>
#include <type_traits>

#include "arguments.h"

namespace fovea::cli {

template <class T>
std::string check_number(const std::string& text) {
  T value{};
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc() && rest == end) return {};
  if (error == std::errc::result_out_of_range && rest == end) return fmt::format("'{}' is out of range", text);
  const char* const kind = std::is_floating_point_v<T> ? "a number"
                           : std::is_unsigned_v<T>     ? "a whole number of at least 0"
                                                       : "a whole number";
  return fmt::format("must be {}, got '{}'", kind, text);
}

template std::string check_number<int>(const std::string&);
template std::string check_number<int64_t>(const std::string&);
template std::string check_number<uint64_t>(const std::string&);
template std::string check_number<double>(const std::string&);

Option& Option::type_name(const std::string& name) {
  option_.type_name(name);
  return *this;
}

Option& Option::group(const std::string& heading) {
  option_.group(heading);
  return *this;
}

Option& Option::description(const std::string& text) {
  option_.description(text);
  return *this;
}

Option& Option::show_default() {
  option_.capture_default_str();
  return *this;
}

Option& Option::check(std::string (*what_is_wrong)(const std::string& text)) {
  option_.check(what_is_wrong);
  return *this;
}

Option& Option::take_all() {
  option_.multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  return *this;
}

Option& Option::one_value() {
  option_.expected(1)->allow_extra_args(false);
  return *this;
}

CLI::App& add_command(CLI::App& program, const std::string& name, const std::string& description) {
  return *program.add_subcommand(name, description);
}

using Text = const std::string&;

template <class T>
Option add_option(CLI::App& command, const std::string& name, T& value, const std::string& description) {
  return Option(*command.add_option(name, value, description));
}

template Option add_option(CLI::App&, Text, std::string&, Text);
template Option add_option(CLI::App&, Text, std::filesystem::path&, Text);
template Option add_option(CLI::App&, Text, int64_t&, Text);
template Option add_option(CLI::App&, Text, double&, Text);
template Option add_option(CLI::App&, Text, std::vector<std::string>&, Text);
template Option add_option(CLI::App&, Text, std::optional<int>&, Text);
template Option add_option(CLI::App&, Text, std::optional<int64_t>&, Text);
template Option add_option(CLI::App&, Text, std::optional<double>&, Text);

Option add_flag(CLI::App& command, const std::string& name, bool& value, const std::string& description) {
  return Option(*command.add_flag(name, value, description));
}

template <class T>
Option add_number(CLI::App& command, const std::string& flag, T& value, const std::string& description) {
  return Option(*command.add_option(flag, value, description)->check(check_number<T>)->capture_default_str());
}

template Option add_number(CLI::App&, Text, int&, Text);
template Option add_number(CLI::App&, Text, int64_t&, Text);
template Option add_number(CLI::App&, Text, uint64_t&, Text);
template Option add_number(CLI::App&, Text, double&, Text);

Option add_choice(CLI::App& command, const std::string& flag, const std::vector<std::string>& names,
                  const std::string& preset, std::function<void(size_t)> choose, const std::string& description) {
  const auto take = [names, choose = std::move(choose)](const std::string& text) {
    choose(static_cast<size_t>(std::ranges::find(names, text) - names.begin()));
  };
  return Option(*command.add_option_function<std::string>(flag, take, description)
                     ->check([names](const std::string& text) { return check_choice(text, names); })
                     ->default_str(preset)
                     ->type_name(fmt::format("{}", fmt::join(names, "|"))));
}

Option add_choice(CLI::App& command, const std::string& flag, std::string& value,
                  std::initializer_list<const char*> names, const std::string& description) {
  Choices<std::string> choices;
  for (const char* name : names) choices.emplace_back(name, name);
  return add_choice(command, flag, value, choices, description);
}

void add_config_option(CLI::App& command) {
  // Read by parse() before CLI11 sees the arguments; listed here for --help.
  command
      .add_option_function<std::string>(
          "--config", [](const std::string&) {}, "flags from a TOML file: epochs = 5")
      ->type_name("FILE");
}

Option option_of(CLI::App& command, const std::string& name) { return Option(*command.get_option(name)); }

bool is_given(const CLI::App& command, const std::string& flag) { return command.count(flag) > 0; }

std::vector<std::string> given_options(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    if (option->count() > 0) names.push_back(option->get_name());
  }
  return names;
}

}  // namespace fovea::cli
