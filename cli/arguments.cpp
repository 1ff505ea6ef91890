#include "arguments.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "core/suggest.h"
#include "fovea/error.h"
#include "toml_file.h"

namespace fovea::cli {

namespace {

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

// The keys of a configuration file.
std::vector<std::string> config_keys(const CLI::App& command) {
  std::vector<std::string> keys;
  for (const std::string& name : option_names(command)) {
    if (name != "--help" && name != "--config") keys.push_back(name.substr(2));
  }
  return keys;
}

// The flags that a configuration file stands for: --key=value.
std::vector<std::string> read_config(const std::string& file, const CLI::App& command) {
  const std::vector<std::string> known = config_keys(command);
  std::vector<std::string> flags;
  for (const auto& [key, value] : parse_toml(file)) {
    const std::string name(key.str());
    if (std::ranges::find(known, name) == known.end()) {
      usage_error(fmt::format("{}, line {}: unknown key '{}'{}; keys are the flags of 'fovea {}' without '--'", file,
                              key.source().begin.line, name, did_you_mean(name, known), command.get_name()));
    }
    flags.push_back(fmt::format("--{}={}", name, as_argument(file, name, value)));
  }
  return flags;
}

const CLI::App* find_command(const CLI::App& program, const std::string& name) {
  for (const CLI::App* command : program.get_subcommands([](const CLI::App*) { return true; })) {
    if (command->get_name() == name) return command;
  }
  return nullptr;
}

// Moves the flags of --config files in front of the command's own, which come later and win.
void expand_config(const CLI::App& program, std::vector<std::string>& arguments) {
  const CLI::App* command = arguments.empty() ? nullptr : find_command(program, arguments.front());
  if (command == nullptr) return;
  std::vector<std::string> expanded;
  for (size_t i = 1; i < arguments.size(); ++i) {
    constexpr std::string_view option = "--config";
    std::string file;
    if (arguments[i] == option && i + 1 < arguments.size()) {
      file = arguments[i + 1];
    } else if (arguments[i].starts_with(std::string(option) + "=")) {
      file = arguments[i].substr(option.size() + 1);
    } else {
      continue;
    }
    std::ranges::copy(read_config(file, *command), std::back_inserter(expanded));
  }
  arguments.insert(arguments.begin() + 1, expanded.begin(), expanded.end());
}

std::vector<std::string> command_names(const CLI::App& program) {
  std::vector<std::string> names;
  for (const CLI::App* command : program.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  return names;
}

// What was not understood: an unknown command, or flags that the command, or the program before it, does not have.
[[noreturn]] void refuse_extras(const CLI::App& program) {
  const std::vector<std::string> before = program.remaining();
  if (!before.empty()) {
    const std::string& word = before.front();
    const bool flag = word.starts_with("-");
    usage_error(
        fmt::format("unknown {} '{}'{}; {}", flag ? "flag" : "command", word,
                    did_you_mean(word, flag ? option_names(program) : command_names(program)),
                    flag ? "flags follow a command: 'fovea COMMAND --help' lists them" : "'fovea --help' lists them"));
  }
  const std::vector<CLI::App*> chosen = program.get_subcommands();
  if (chosen.empty()) usage_error("a command is missing; 'fovea --help' lists them");
  const CLI::App& command = *chosen.front();
  const std::vector<std::string> extras = command.remaining();
  const auto flag = std::ranges::find_if(extras, [](const std::string& word) { return word.starts_with("-"); });
  const std::string unknown = flag == extras.end() ? extras.front() : flag->substr(0, flag->find('='));
  usage_error(fmt::format("{}: unexpected '{}'{}; 'fovea {} --help' lists what it takes", command.get_name(), unknown,
                          did_you_mean(unknown, option_names(command)), command.get_name()));
}

std::string one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

}  // namespace

std::string check_choice(const std::string& text, const std::vector<std::string>& names) {
  if (std::ranges::find(names, text) != names.end()) return {};
  std::string listed = names.front();
  for (size_t i = 1; i < names.size(); ++i) listed += (i + 1 == names.size() ? " or " : ", ") + names[i];
  return fmt::format("must be {}, got '{}'{}", listed, text, did_you_mean(text, names));
}

void usage_error(const std::string& message) { throw Error(ErrorKind::usage, message); }

const CLI::App& parse(CLI::App& program, std::vector<std::string> arguments) {
  expand_config(program, arguments);
  program.allow_extras();
  for (CLI::App* command : program.get_subcommands([](const CLI::App*) { return true; })) command->allow_extras();
  std::ranges::reverse(arguments);  // as CLI11 wants them
  try {
    program.parse(std::move(arguments));
  } catch (const CLI::Success&) {
    throw;
  } catch (const CLI::ParseError& error) {
    usage_error(one_line(error.what()));
  }
  const std::vector<CLI::App*> chosen = program.get_subcommands();
  if (chosen.empty() || program.remaining_size(true) > 0) refuse_extras(program);
  return *chosen.front();
}

}  // namespace fovea::cli
