#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <map>
#include <new>
#include <string>
#include <system_error>
#include <utility>

#include "arguments.h"
#include "commands.h"
#include "fovea/error.h"
#include "fovea/version.h"
#include "interrupt.h"

namespace fovea::cli {

namespace {

// The commands, in the order of --help.
constexpr std::array commands = {add_train,         add_eval,     add_report,   add_predict, add_search,  add_features,
                                 add_search_images, add_compress, add_quantize, add_explain, add_look,    add_data,
                                 add_filter,        add_fool,     add_dream,    add_style,   add_segment, add_embed,
                                 add_shape_bias,    add_summary,  add_zoo,      add_inspect, add_convert, add_run,
                                 add_check,         add_bench,    add_doctor};

constexpr const char* footer =
    R"(Exit codes: 0 done; 1 the work failed (training diverged, out of memory); 2 usage; 3 data or files;
4 model or file format; 5 device; 130 interrupted, after saving.)";

int fail(int code, std::string_view message) {
  fmt::print(stderr, "fovea: {}\n", message);
  return code;
}

// Results that could not be written are an error as any other.
void finish_output() {
  errno = 0;
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return;
  throw Error(ErrorKind::data, fmt::format("cannot write to standard output{}{}", errno != 0 ? ": " : "",
                                           errno != 0 ? std::generic_category().message(errno) : std::string()));
}

int run(int argc, char** argv) {
  CLI::App program("Convolutional neural networks: train, evaluate, predict, look inside.", "fovea");
  program.set_version_flag("--version", std::string("fovea ") + version());
  program.footer(footer);
  program.require_subcommand(0, 1);  // parse() asks for one
  program.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  std::map<std::string, Run> runs;
  for (const auto& add : commands) {
    Run run = add(program);
    runs.emplace(program.get_subcommands([](const CLI::App*) { return true; }).back()->get_name(), std::move(run));
  }
  try {
    const CLI::App& chosen = parse(program, {argv + 1, argv + argc});
    runs.at(chosen.get_name())();
  } catch (const CLI::Success& help) {
    program.exit(help);
  }
  if (interrupted()) return exit_interrupted;
  finish_output();
  return 0;
}

}  // namespace

}  // namespace fovea::cli

int main(int argc, char** argv) {
  using fovea::cli::fail;
  try {
    return fovea::cli::run(argc, argv);
  } catch (const fovea::Error& error) {
    return fail(static_cast<int>(error.kind()), error.what());
  } catch (const std::bad_alloc&) {
    return fail(1, "out of memory");
  } catch (const std::system_error& error) {
    return fail(static_cast<int>(fovea::ErrorKind::data), error.what());
  } catch (const std::exception& error) {
    return fail(1, error.what());
  }
}
