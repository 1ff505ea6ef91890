#include "fovea/look.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "command_line.h"
#include "commands.h"
#include "fovea/error.h"
#include "fovea/explain.h"
#include "model_options.h"
#include "options.h"
#include "table.h"

namespace fovea::cli {

namespace {

namespace fs = std::filesystem;
using namespace explain;  // NOLINT(google-build-using-namespace): the command is about nothing else

struct LookCommand {
  CommonOptions common;
  ModelOptions model;
  DataOptions data;
  std::string input;
  std::vector<std::string> pictures;
  std::string layer;
  int64_t channels = 16;
  int64_t max_items = 1000;
  fs::path out = "looked";
  Format format = Format::text;
};

// A node's name as part of a file's.
std::string file_name(std::string node) {
  std::ranges::replace(node, '/', '_');
  return node;
}

bool has_filters(const Model& model, const std::string& layer) {
  const Graph& graph = model.graph();
  const std::vector<int>& parameters = graph.node(graph.find(layer)).parameters;
  return !parameters.empty() && graph.parameters()[static_cast<size_t>(parameters[0])].shape.rank() == 4;
}

void write_filters(const LookCommand& command, const Model& model) {
  const fs::path path = command.out / "filters.png";
  try {
    const bool own = !command.layer.empty() && has_filters(model, command.layer);
    write_png(path, filter_picture(model, own ? command.layer : ""));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::usage) throw;
    return fmt::print(stderr, "fovea: no picture of filters: {}\n", error.what());
  }
  fmt::print(stderr, "{}\n", path.string());
}

void write_activations(const LookCommand& command, Model& model, const std::string& layer) {
  Probe probe(model);
  for (const std::string& picture : command.pictures) {
    const Tensor x = preprocess(read_image(picture), model.preprocessing);
    const fs::path path = command.out / fmt::format("{}.{}.png", fs::path(picture).stem().string(), file_name(layer));
    write_png(path, activation_picture(probe.value(x, layer)));
    fmt::print(stderr, "{}\n", path.string());
  }
}

// One row for each channel, the strongest patch first.
void write_rows(const std::vector<Image>& patches, int64_t rows, const fs::path& path) {
  write_png(path, mosaic(patches, static_cast<int>(std::ssize(patches) / rows), 2));
  fmt::print(stderr, "{}\n", path.string());
}

void write_patches(const LookCommand& command, Model& model, const std::shared_ptr<const Dataset>& dataset,
                   const std::string& layer) {
  const Graph& graph = model.graph();
  std::vector<int64_t> channels;
  const int64_t all = graph.node(graph.find(layer)).shape.back();
  for (int64_t k = 0; k < std::min(all, command.channels); ++k) channels.push_back(k);
  const auto top = top_patches(model, dataset, layer, channels, {.max_items = command.max_items});
  const auto rows = std::ssize(channels);
  std::vector<Image> patches;
  for (const auto& excitations : top) {
    for (const Excitation& excitation : excitations) patches.push_back(excitation.patch);
  }
  write_rows(patches, rows, command.out / fmt::format("patches.{}.png", file_name(layer)));

  Probe probe(model);
  std::vector<Image> projections;
  Image picture;
  try {
    for (size_t k = 0; k < channels.size(); ++k) {
      for (const Excitation& excitation : top[k]) {
        dataset->read(excitation.item, picture);
        const Tensor x = preprocess(picture, model.preprocessing);
        projections.push_back(project(probe, x, layer, channels[k], excitation));
      }
    }
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::usage) throw;
    return fmt::print(stderr, "fovea: no projections: {}\n", error.what());
  }
  write_rows(projections, rows, command.out / fmt::format("projections.{}.png", file_name(layer)));
}

void print_text(const std::vector<LayerActivity>& activities) {
  std::vector<Line> lines = {
      {"layer", "op", "channels", "weights", "mean", "std", "least", "greatest", "zeros", "dead"}};
  for (const LayerActivity& a : activities) {
    const bool weights = a.weights.std > 0;
    lines.push_back({a.layer, a.op, std::to_string(a.channels),
                     weights ? fmt::format("{:.3g} ± {:.3g}", a.weights.mean, a.weights.std) : "",
                     fmt::format("{:.3g}", a.mean), fmt::format("{:.3g}", a.std), fmt::format("{:.3g}", a.least),
                     fmt::format("{:.3g}", a.greatest), fmt::format("{:.1f} %", 100 * a.zeros),
                     std::to_string(a.dead.size())});
  }
  print_table(lines, "llrrrrrrrr");
}

nlohmann::ordered_json rows_of(const std::vector<LayerActivity>& activities) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const LayerActivity& a : activities) {
    rows.push_back({{"layer", a.layer},
                    {"op", a.op},
                    {"channels", a.channels},
                    {"weights_mean", a.weights.mean},
                    {"weights_std", a.weights.std},
                    {"mean", a.mean},
                    {"std", a.std},
                    {"least", a.least},
                    {"greatest", a.greatest},
                    {"zeros", a.zeros},
                    {"dead", a.dead}});
  }
  return rows;
}

void print_activity(const std::vector<LayerActivity>& activities, Format format) {
  switch (format) {
    case Format::text:
      return print_text(activities);
    case Format::json:
      return fmt::print("{}\n", rows_of(activities).dump(2));
    case Format::csv:
      return print_csv(rows_of(activities));
  }
}

void run_look(const LookCommand& command) {
  command.common.apply();
  require_option(command.model.model, "name a model file, such as runs/lenet5/best.safetensors");
  if (command.channels < 1 || command.max_items < 0) {
    throw Error(ErrorKind::usage, "--channels must be at least 1, --max-items at least 0");
  }
  Model model = command.model.open(input_shape(command.input));
  fs::create_directories(command.out);
  write_filters(command, model);
  if (command.pictures.empty() && command.data.data.empty()) return;
  const std::string layer = command.layer.empty() ? last_feature_map(Probe(model)) : command.layer;
  write_activations(command, model, layer);
  if (command.data.data.empty()) return;
  const DataSplits splits = command.data.open();
  const std::shared_ptr<const Dataset> dataset = splits.test ? splits.test : splits.train;
  write_patches(command, model, dataset, layer);
  print_activity(measure_activity(model, dataset, {.max_items = command.max_items}), command.format);
}

}  // namespace

Run add_look(CLI::App& program) {
  auto options = std::make_shared<LookCommand>();
  CLI::App& command = add_command(
      program, "look", "Filters, activations, the patches that excite channels most, dead channels of a network");
  options->model.add(command);
  options->model.add_pictures(command);
  options->data.add(command);
  add_input_option(command, options->input);
  add_picture_files(command, options->pictures, "picture files whose activations are drawn");
  add_option(command, "--layer", options->layer,
             "whose activations, patches and filters (if it has none, the first convolution's); default: the last "
             "with positions that weights still read")
      .type_name("NODE");
  add_number(command, "--channels", options->channels, "of that layer whose patches are looked for");
  add_number(command, "--max-items", options->max_items, "pictures of --data to look through; 0: all");
  add_option(command, "--out", options->out, "folder for the pictures").show_default().type_name("FOLDER");
  add_format_option(command, options->format);
  options->common.add(command);
  return [options] { run_look(*options); };
}

}  // namespace fovea::cli
