#include <fmt/format.h>

#include <charconv>
#include <memory>
#include <string>
#include <vector>

#include "command_line.h"
#include "commands.h"
#include "fovea/error.h"
#include "fovea/maximize.h"
#include "model_options.h"
#include "options.h"
#include "words.h"

namespace fovea::cli {

namespace {

struct DreamCommand {
  CommonOptions common;
  ModelOptions model;
  std::string input;
  std::vector<std::string> pictures;
  std::string layer;
  std::string channels;
  std::string unit;
  std::string size;
  MaximizeOptions maximize;
  DreamOptions dream;
  std::optional<int64_t> steps;
  std::optional<double> rate;
  std::optional<int> jitter;
  uint64_t seed = 0;
  std::string output = ".";
};

int64_t whole_number(const char* flag, const std::string& text) {
  int64_t value = -1;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && rest == text.data() + text.size()) return value;
  throw Error(ErrorKind::usage, fmt::format("{} must be a whole number, got '{}'", flag, text));
}

// One for each channel asked for; with none the whole layer.
std::vector<Target> targets_of(const DreamCommand& command, const Model& model) {
  Target target{.node = command.layer};
  if (!command.unit.empty()) {
    const std::vector<std::string> words = comma_separated(command.unit);
    if (words.size() != 2)
      throw Error(ErrorKind::usage, fmt::format("--unit must be ROW,COLUMN, got '{}'", command.unit));
    target.position = {whole_number("--unit", words[0]), whole_number("--unit", words[1])};
  }
  std::vector<Target> targets;
  for (const std::string& word : comma_separated(command.channels)) {
    target.channel =
        command.layer.empty() ? class_from_text("--channel", model, word) : whole_number("--channel", word);
    targets.push_back(target);
  }
  if (targets.empty()) targets.push_back(target);
  return targets;
}

std::string suffix_of(const Model& model, const Target& target) {
  std::string suffix = target.node.empty() && target.channel ? class_name(model, *target.channel) : target.node;
  if (!target.node.empty() && target.channel) suffix += fmt::format("-{}", *target.channel);
  if (target.position) suffix += fmt::format("-{}-{}", (*target.position)[0], (*target.position)[1]);
  if (suffix.empty()) suffix = "logits";
  suffix.resize(std::min(suffix.size(), size_t{80}));
  for (char& c : suffix) {
    if (c == '/' || c == ' ' || c == ',') c = '_';
  }
  return suffix;
}

void run_dream(DreamCommand command) {
  command.common.apply();
  Model model = command.model.open(input_shape(command.input));
  MaximizeOptions& from_noise = command.maximize;
  from_noise.seed = command.dream.seed = command.seed;
  from_noise.steps = command.steps.value_or(from_noise.steps);
  from_noise.rate = command.rate.value_or(from_noise.rate);
  from_noise.jitter = command.jitter.value_or(from_noise.jitter);
  command.dream.steps = command.steps.value_or(command.dream.steps);
  command.dream.rate = command.rate.value_or(command.dream.rate);
  command.dream.jitter = command.jitter.value_or(command.dream.jitter);
  if (!command.size.empty()) {
    const size_t x = command.size.find('x');
    from_noise.height = static_cast<int>(whole_number("--size", command.size.substr(0, x)));
    from_noise.width = x == std::string::npos ? from_noise.height
                                              : static_cast<int>(whole_number("--size", command.size.substr(x + 1)));
  }
  for (const Target& target : targets_of(command, model)) {
    const std::string suffix = suffix_of(model, target);
    if (command.pictures.empty()) {
      if (target.node.empty() && !target.channel) {
        throw Error(ErrorKind::usage, "say what to excite: --channel CLASS, or --layer NODE with or without --channel");
      }
      const Maximized result = maximize(model, target, from_noise);
      const std::filesystem::path path = output_path(command.output, "dream", suffix);
      write_png(path, result.picture);
      fmt::print("{}: from {:.4g} to {:.4g}\n", path.string(), result.start_value, result.value);
    }
    for (const std::string& picture : command.pictures) {
      if (target.node.empty()) {
        throw Error(ErrorKind::usage, "dreaming on a picture needs --layer NODE; fovea summary lists the nodes");
      }
      const std::filesystem::path path = output_path(command.output, picture, suffix);
      write_png(path, dream(model, read_image(picture), target, command.dream));
      fmt::print("{}\n", path.string());
    }
  }
}

}  // namespace

Run add_dream(CLI::App& program) {
  auto options = std::make_shared<DreamCommand>();
  CLI::App& command = add_command(program, "dream", "Pictures that excite a class, channel or unit most");
  options->model.add(command);
  options->model.add_pictures(command);
  add_input_option(command, options->input);
  add_picture_files(command, options->pictures, "picture files to dream on; none: start from noise");
  add_option(command, "--layer", options->layer, "node to excite; default: the classes' scores").type_name("NODE");
  add_option(command, "--channel", options->channels,
             "class (number or name) or channel of --layer, one or several; default: all of the layer")
      .type_name("N,N");
  add_option(command, "--unit", options->unit, "one position of --layer; default: the mean of all")
      .type_name("ROW,COLUMN");
  add_option(command, "--size", options->size, "from noise: HEIGHTxWIDTH; default: the network's own").type_name("HxW");
  add_option(command, "--steps", options->steps, "default: 256 from noise, 12 in each octave on a picture");
  add_option(command, "--rate", options->rate, "rms of a step's change, pixels in [0, 1]; default: 0.02, 0.03");
  add_option(command, "--jitter", options->jitter, "pixels the picture moves at most; default: 8, 16");
  add_number(command, "--l2", options->maximize.l2, "from noise: pull to grey");
  add_number(command, "--total-variation", options->maximize.total_variation, "from noise: pull on neighbours");
  add_number(command, "--blur", options->maximize.blur, "from noise: sigma of the blur every 4 steps");
  add_number(command, "--frequency", options->maximize.frequency, "from noise: exponent that favours low frequencies");
  add_number(command, "--octaves", options->dream.octaves, "on a picture: sizes");
  add_number(command, "--scale", options->dream.scale, "on a picture: from one size to the next");
  add_number(command, "--seed", options->seed, "of noise and jitter");
  add_option(command, "--out", options->output, "folder for the pictures").show_default().type_name("FOLDER");
  options->common.add(command);
  return [options] { run_dream(*options); };
}

}  // namespace fovea::cli
