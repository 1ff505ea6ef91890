#include "fovea/style.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>

#include "command_line.h"
#include "commands.h"
#include "fovea/error.h"
#include "interrupt.h"
#include "model_options.h"
#include "options.h"
#include "words.h"

namespace fovea::cli {

namespace {

struct StyleCommand {
  CommonOptions common;
  ModelOptions model;
  std::string content, style;
  std::string content_layers, style_layers;
  StyleOptions options;
  std::string output;
};

void run_style(StyleCommand command) {
  command.common.apply();
  require_option(command.style, "name a model file, the picture of the content and that of the style");
  Model model = command.model.open({});
  const Image content = read_image(command.content);
  const Image style = read_image(command.style);
  StyleOptions& options = command.options;
  options.content_layers = comma_separated(command.content_layers);
  options.style_layers = comma_separated(command.style_layers);
  const std::atomic<bool>& stop = catch_interrupts();
  const auto start = std::chrono::steady_clock::now();
  options.on_step = [&](int64_t step, double loss) {
    if (step % 20 == 0) {
      fmt::print("step {:4}  loss {:.5g}\n", step, loss);
      std::fflush(stdout);
    }
    return !stop.load();
  };
  const Styled result = transfer_style(model, content, style, options);
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  const std::filesystem::path path =
      command.output.empty() ? output_path(".", command.content, std::filesystem::path(command.style).stem().string())
                             : std::filesystem::path(command.output);
  write_image(path, result.picture);
  fmt::print("{}: loss from {:.4g} to {:.4g} (content {:.4g}, style {:.4g}) in {} steps, {:.1f} s\n", path.string(),
             result.start_loss, result.loss, result.content_loss, result.style_loss, result.steps, time.count());
}

}  // namespace

Run add_style(CLI::App& program) {
  auto options = std::make_shared<StyleCommand>();
  CLI::App& command = add_command(program, "style", "One picture's content in another's style");
  options->model.add(command);
  options->model.add_pictures(command);
  add_option(command, "content", options->content, "JPEG or PNG file").type_name("CONTENT");
  add_option(command, "style", options->style, "JPEG or PNG file").type_name("STYLE");
  add_number(command, "--size", options->options.size, "longer side of the result");
  add_number(command, "--steps", options->options.steps, "of L-BFGS");
  add_number(command, "--content-weight", options->options.content_weight, "how much of the content stays");
  add_number(command, "--style-weight", options->options.style_weight, "how much of the style comes");
  add_number(command, "--total-variation-weight", options->options.total_variation_weight, "how smooth it is");
  add_option(command, "--content-layers", options->content_layers, "nodes; default: the last stage but one")
      .type_name("NODE,NODE");
  add_option(command, "--style-layers", options->style_layers, "nodes; default: the ends of all stages")
      .type_name("NODE,NODE");
  add_flag(command, "--from-noise", options->options.from_noise, "start from noise instead of the content");
  add_number(command, "--seed", options->options.seed, "of the noise");
  add_option(command, "--output", options->output, "PNG or JPEG file; default: CONTENT-STYLE.png here")
      .type_name("FILE");
  options->common.add(command);
  return [options] { run_style(*options); };
}

}  // namespace fovea::cli
