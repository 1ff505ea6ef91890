#include "fovea/fool.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "command_line.h"
#include "commands.h"
#include "core/file.h"
#include "fovea/chart.h"
#include "fovea/error.h"
#include "model_options.h"
#include "options.h"
#include "table.h"
#include "words.h"

namespace fovea::cli {

namespace {

struct FoolCommand {
  CommonOptions common;
  ModelOptions model;
  DataOptions data;
  std::string input;
  std::vector<std::string> pictures;
  std::string methods = "pgd";
  std::string epsilon = "4/255";
  std::string target;
  std::string labels;
  std::string step;
  FoolOptions options;
  int64_t generations = 500;
  std::string output;
  Format format = Format::text;
};

// Lines "file,label" below a line of headings.
std::map<std::string, int64_t> read_labels(const std::string& path, const Model& model) {
  const std::vector<std::byte> bytes = read_file(path, 1 << 26);
  std::istringstream lines(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  std::map<std::string, int64_t> labels;
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    const size_t comma = line.rfind(',');
    if (comma == std::string::npos) {
      throw Error(ErrorKind::format, fmt::format("{}: lines must be FILE,CLASS, got '{}'", path, line));
    }
    labels.emplace(line.substr(0, comma), class_from_text("--labels", model, line.substr(comma + 1)));
  }
  return labels;
}

// The change around grey, enlarged so that the greatest fills the range.
Image change_picture(const Fooling& result) {
  Image image = result.picture;
  const double factor = result.largest > 0 ? 127 / (255 * result.largest) : 0;
  for (size_t i = 0; i < image.pixels.size(); ++i) {
    const double change = static_cast<double>(result.picture.pixels[i]) - result.original.pixels[i];
    image.pixels[i] = static_cast<uint8_t>(std::lround(128 + factor * change));
  }
  return image;
}

// One line of what is reported.
nlohmann::ordered_json row_of(const std::string& picture, const FoolOptions& options, const Model& model,
                              const Fooling& result) {
  return {{"picture", picture},
          {"method", name_of(options.attack)},
          {"label", result.label},
          {"guess_before", result.guess_before},
          {"name_before", class_name(model, result.guess_before)},
          {"confidence_before", result.confidence_before},
          {"guess", result.guess},
          {"name", class_name(model, result.guess)},
          {"confidence", result.confidence},
          {"fooled", result.success},
          {"levels", std::lround(255 * result.largest)},
          {"l2", result.length},
          {"changed", result.changed},
          {"evaluations", result.evaluations}};
}

std::string short_name(const std::string& name) { return name.substr(0, std::min(name.find(','), size_t{24})); }

void print_text(const nlohmann::ordered_json& rows) {
  std::vector<Line> lines = {{"picture", "method", "was", "%", "now", "%", "fooled", "levels", "L2", "changed"}};
  for (const auto& row : rows) {
    lines.push_back({std::filesystem::path(row["picture"].get<std::string>()).filename().string(), row["method"],
                     short_name(row["name_before"]),
                     fmt::format("{:.1f}", 100 * row["confidence_before"].get<double>()), short_name(row["name"]),
                     fmt::format("{:.1f}", 100 * row["confidence"].get<double>()), row["fooled"] ? "yes" : "no",
                     fmt::format("{}", row["levels"].get<int>()), fmt::format("{:.3f}", row["l2"].get<double>()),
                     fmt::format("{}", row["changed"].get<int64_t>())});
  }
  print_table(lines, "lllrlrlrrr");
}

// How many of the pictures that were recognised are no more, and the median distances of those.
void print_summary(const nlohmann::ordered_json& rows, const std::string& method) {
  int64_t recognised = 0;
  std::vector<double> lengths, levels;
  for (const auto& row : rows) {
    if (row["method"] != method || row["guess_before"] != row["label"]) continue;
    ++recognised;
    if (!row["fooled"].get<bool>()) continue;
    lengths.push_back(row["l2"]);
    levels.push_back(row["levels"]);
  }
  const size_t middle = lengths.size() / 2;
  fmt::print("{}: {} of {} recognised pictures fooled", method, lengths.size(), recognised);
  if (!lengths.empty()) {
    std::ranges::nth_element(lengths, lengths.begin() + static_cast<std::ptrdiff_t>(middle));
    std::ranges::nth_element(levels, levels.begin() + static_cast<std::ptrdiff_t>(middle));
    fmt::print(" ({:.1f} %); median largest change {:.0f} of 255 levels, median L2 {:.3f}",
               100 * static_cast<double>(lengths.size()) / static_cast<double>(recognised), levels[middle],
               lengths[middle]);
  }
  fmt::print("\n");
}

void fool_pictures(const FoolCommand& command, Model& model, const std::vector<std::string>& methods) {
  const std::map<std::string, int64_t> labels =
      command.labels.empty() ? std::map<std::string, int64_t>() : read_labels(command.labels, model);
  FoolOptions options = command.options;
  options.epsilon = fraction("--eps", command.epsilon);
  if (!command.step.empty()) options.step = fraction("--step", command.step);
  if (!command.target.empty()) options.target = class_from_text("--target", model, command.target);
  Fooler fooler(model);
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const std::string& picture : command.pictures) {
    const std::string file = std::filesystem::path(picture).filename().string();
    const auto label = labels.find(file);
    if (!labels.empty() && label == labels.end()) {
      throw Error(ErrorKind::usage, fmt::format("{} says nothing of {}", command.labels, file));
    }
    const Image image = read_image(picture);
    for (const std::string& method : methods) {
      options.attack = attack_from_name(method);
      const Fooling result =
          fooler(image, options, labels.empty() ? std::nullopt : std::optional<int64_t>(label->second));
      rows.push_back(row_of(picture, options, model, result));
      if (command.format == Format::json) {
        fmt::print("{}\n", rows.back().dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
      }
      if (command.output.empty()) continue;
      write_png(output_path(command.output, picture, method), result.picture);
      write_png(output_path(command.output, picture, method + "-change"), change_picture(result));
    }
  }
  if (command.format == Format::csv) print_csv(rows);
  if (command.format != Format::text) return;
  print_text(rows);
  if (command.pictures.size() < 2) return;
  fmt::print("\n");
  for (const std::string& method : methods) print_summary(rows, method);
}

void fool_dataset(const FoolCommand& command, Model& model, const std::vector<std::string>& methods) {
  const DataSplits splits = command.data.open();
  const Dataset& dataset = splits.test ? *splits.test : *splits.train;
  std::vector<double> epsilons;
  for (const std::string& word : comma_separated(command.epsilon)) epsilons.push_back(fraction("--eps", word));
  FoolOptions options = command.options;
  if (!command.step.empty()) options.step = fraction("--step", command.step);
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  LineChart chart{.title = "Accuracy under attack", .x_label = "epsilon, levels of 255", .y_label = "top-1 %"};
  for (const std::string& method : methods) {
    options.attack = attack_from_name(method);
    const std::vector<Robustness> curve = measure_robustness(model, dataset, options, epsilons);
    for (const Robustness& point : curve) {
      rows.push_back({{"method", method}, {"epsilon", point.epsilon}, {"accuracy", point.accuracy}});
    }
    Series& line = chart.series.emplace_back(Series{.name = method});
    for (const Robustness& point : curve) {
      line.x.push_back(255 * point.epsilon);
      line.y.push_back(100 * point.accuracy);
    }
  }
  if (!command.output.empty()) {
    const std::string svg = to_svg(chart);
    write_file_atomically(output_path(command.output, "accuracy", "epsilon", "svg"),
                          std::as_bytes(std::span<const char>(svg)));
  }
  switch (command.format) {
    case Format::json:
      return fmt::print("{}\n", rows.dump());
    case Format::csv:
      return print_csv(rows);
    case Format::text:
      break;
  }
  std::vector<Line> lines = {{"method", "eps/255", "top-1 %"}};
  for (const auto& row : rows) {
    lines.push_back({row["method"], fmt::format("{:.3g}", 255 * row["epsilon"].get<double>()),
                     fmt::format("{:.2f}", 100 * row["accuracy"].get<double>())});
  }
  print_table(lines, "lrr");
}

void fool_all_alike(const FoolCommand& command, Model& model) {
  const DataSplits splits = command.data.open();
  const Dataset& dataset = *splits.train;
  const double epsilon = fraction("--eps", command.epsilon);
  const auto [change, fooled] =
      universal_perturbation(model, dataset, {.epsilon = epsilon, .seed = command.options.seed});
  fmt::print("one change within {} fools {:.1f} % of {} pictures\n", command.epsilon, 100 * fooled, dataset.size());
  if (command.output.empty()) return;
  Image picture{static_cast<int>(change.shape()[0]),
                static_cast<int>(change.shape()[1]),
                static_cast<int>(change.shape()[2]),
                {}};
  for (const float value : change.values()) {
    picture.pixels.push_back(static_cast<uint8_t>(std::lround(128 + 127 * value / epsilon)));
  }
  write_png(output_path(command.output, "universal", "change"), picture);
}

void evolve(const FoolCommand& command, Model& model) {
  require_option(command.target, "say with --target what the evolved picture is to be taken for");
  const int64_t target = class_from_text("--target", model, command.target);
  const Evolved result =
      evolve_fooling_image(model, {.target = target, .generations = command.generations, .seed = command.options.seed});
  fmt::print("taken for {} with {:.2f} % after {} generations\n", class_name(model, target), 100 * result.confidence,
             result.generations);
  if (!command.output.empty()) write_png(output_path(command.output, "evolved", command.target), result.picture);
}

void run_fool(const FoolCommand& command) {
  command.common.apply();
  require_option(command.model.model, "name a model file, then pictures or --data");
  const std::vector<std::string> methods = comma_separated(command.methods);
  const bool evolves = methods == std::vector<std::string>{"evolve"};
  const bool universal = methods == std::vector<std::string>{"universal"};
  for (const std::string& method : methods) {
    if (!evolves && !universal) attack_from_name(method);
  }
  Model model = command.model.open(input_shape(command.input));
  if (evolves) return evolve(command, model);
  if (command.pictures.empty()) {
    require_option(command.data.data, "name pictures after the model file, or a data set with --data");
    return universal ? fool_all_alike(command, model) : fool_dataset(command, model, methods);
  }
  if (universal) throw Error(ErrorKind::usage, "--method universal is for a data set: --data NAME or FOLDER");
  fool_pictures(command, model, methods);
}

}  // namespace

Run add_fool(CLI::App& program) {
  auto options = std::make_shared<FoolCommand>();
  CLI::App& command = add_command(program, "fool", "Pictures that a network takes for something else");
  options->model.add(command);
  options->model.add_pictures(command);
  add_input_option(command, options->input);
  options->data.add(command);
  add_picture_files(command, options->pictures, "picture files; none: accuracy on --data against --eps");
  add_option(command, "--method", options->methods,
             "fgsm, iterative, pgd, lbfgs, linear, pixels, one or several; or evolve (a picture from nothing), "
             "universal (one change for all of --data)")
      .show_default()
      .type_name("NAME,NAME");
  add_option(command, "--eps", options->epsilon, "largest change of a sample in [0, 1]; with --data one or several")
      .show_default()
      .type_name("NUMBER");
  add_option(command, "--target", options->target, "class to be seen, number or name; default: any but the true one")
      .type_name("CLASS");
  add_option(command, "--labels", options->labels, "CSV of file and class; default: what the network sees is the truth")
      .type_name("FILE");
  add_number(command, "--steps", options->options.steps, "steps of gradients, generations of pixels");
  add_option(command, "--step", options->step, "length of a step; default: a quarter of --eps").type_name("NUMBER");
  add_number(command, "--pixels", options->options.pixels, "how many --method pixels may change");
  add_number(command, "--population", options->options.population, "candidates in a generation of pixels");
  add_number(command, "--generations", options->generations, "of --method evolve");
  add_number(command, "--seed", options->options.seed, "of everything random");
  add_option(command, "--out", options->output, "folder for the pictures, their changes, and curves")
      .type_name("FOLDER");
  add_format_option(command, options->format);
  options->common.add(command);
  return [options] { run_fool(*options); };
}

}  // namespace fovea::cli
