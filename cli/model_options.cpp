#include "model_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <vector>

#include "arguments.h"
#include "fovea/error.h"
#include "fovea/model_file.h"
#include "options.h"

namespace fovea::cli {

namespace {

// One number for each channel: "0.485,0.456,0.406", or one for all; `preset` where nothing was given.
std::vector<float> channel_values(const char* flag, const std::string& text, const std::vector<float>& preset) {
  const size_t channels = preset.size();
  if (text.empty()) return preset;
  std::vector<float> values;
  const char* at = text.data();
  const char* const end = at + text.size();
  for (bool more = true; more;) {
    float value = 0;
    const auto [rest, error] = std::from_chars(at, end, value);
    if (error != std::errc() || !std::isfinite(value)) break;
    values.push_back(value);
    at = rest;
    more = at != end && *at == ',';
    if (more) ++at;
  }
  if (at == end && values.size() == 1) values.resize(channels, values[0]);
  if (at == end && values.size() == channels) return values;
  throw Error(
      ErrorKind::usage,
      fmt::format("{} must be a number, or one for each of the {} channel{}, such as 0.485,0.456,0.406; got '{}'", flag,
                  channels, channels == 1 ? "" : "s", text));
}

// For a network of one input {1, H, W, 1 or 3}; empty for others.
Preprocessing choose_preprocessing(const Graph& graph, const std::string& mean, const std::string& std) {
  const Shape shape = graph.node(graph.inputs().front()).shape;
  if (shape.rank() != 4 || (shape[3] != 1 && shape[3] != 3)) return {};
  const auto channels = static_cast<size_t>(shape[3]);
  const bool colour = channels == 3;
  Preprocessing preprocessing{.height = static_cast<int>(shape[1]),
                              .width = static_cast<int>(shape[2]),
                              .channels = static_cast<int>(channels)};
  using Values = std::vector<float>;
  preprocessing.mean = channel_values("--mean", mean, colour ? Values{0.485F, 0.456F, 0.406F} : Values{0});
  preprocessing.std = channel_values("--std", std, colour ? Values{0.229F, 0.224F, 0.225F} : Values{1});
  return preprocessing;
}

// A line for each class.
std::vector<std::string> read_class_names(const std::string& path, const Model& model) {
  std::ifstream file(path);
  if (!file) throw Error(ErrorKind::data, fmt::format("cannot read {}", path));
  std::vector<std::string> names;
  for (std::string line; std::getline(file, line);) {
    if (line.ends_with('\r')) line.pop_back();
    names.push_back(line);
  }
  const int64_t outputs = model.graph().node(model.graph().output_node()).shape.back();
  if (std::ssize(names) == outputs) return names;
  throw Error(ErrorKind::data, fmt::format("{}: {} lines for the network's {} outputs", path, names.size(), outputs));
}

// Zeros take no memory until weights are written over them.
Model empty_model(Graph graph) {
  std::vector<Tensor> parameters;
  for (const ParameterSpec& spec : graph.parameters()) parameters.emplace_back(spec.shape);
  return {std::move(graph), std::move(parameters)};
}

}  // namespace

void ModelOptions::add(CLI::App& command) {
  command
      .add_option("model", model,
                  "model file, such as runs/lenet5/best.safetensors, or a name (resnet50) or text form with --weights")
      ->type_name("MODEL");
  command
      .add_option("--weights", weights,
                  "weights for it: a state dict or checkpoint as .pth, .pt, .th, .safetensors or .npz")
      ->type_name("FILE");
  command.add_option("--classes", classes, "classes of a network by name; default: its own")
      ->check(check_number<int64_t>);
}

void ModelOptions::add_pictures(CLI::App& command) {
  shows_pictures = true;
  command
      .add_option(
          "--mean", mean,
          "of --weights and ONNX files: what is subtracted from pixels in [0, 1]; of --weights ImageNet's unless "
          "given")
      ->type_name("R,G,B");
  command.add_option("--std", std, "what they are then divided by")->type_name("R,G,B");
  command.add_option("--class-names", class_names, "names of the classes, a line each, for a model that has none")
      ->type_name("FILE");
}

Model ModelOptions::open(const Shape& input) const {
  require_option(model, "name a model file, such as runs/lenet5/best.safetensors, or a network and its --weights");
  if (is_weights_file(model)) {
    throw Error(ErrorKind::usage,
                fmt::format("{} holds weights alone: name their network, then --weights {}", model, model));
  }
  const bool file = is_model_file(model);
  if (file && (input.rank() != 0 || classes != 0)) {
    throw Error(ErrorKind::usage, fmt::format("--input and --classes are for networks by name; {} has its own", model));
  }
  if (!file && weights.empty()) {
    const Graph graph = describe_network(model, input, classes);  // a slip in the name comes first
    throw Error(ErrorKind::usage,
                fmt::format("'{}' is a network without weights: give them with --weights FILE", model));
  }
  Model opened = file ? load_model(model) : empty_model(describe_network(model, input, classes));
  if (!weights.empty()) load_weights(opened, weights);
  complete(opened, file);
  return opened;
}

void ModelOptions::complete(Model& opened, bool file) const {
  const bool said = opened.preprocessing.height != 0;
  const bool given = !mean.empty() || !std.empty();
  if (said && given) {
    throw Error(ErrorKind::usage, fmt::format("{} says itself how pictures become its input: no --mean, --std", model));
  }
  if (file && !said && shows_pictures && (mean.empty() || std.empty())) {
    throw Error(ErrorKind::usage,
                fmt::format("{} does not say how pictures become its input: give --mean and --std, a number or one for "
                            "each channel (0 and 1 leave pixels in [0, 1])",
                            model));
  }
  if (!file || given) opened.preprocessing = choose_preprocessing(opened.graph(), mean, std);
  if (class_names.empty()) return;
  if (!opened.class_names.empty()) {
    throw Error(ErrorKind::usage, fmt::format("{} has names for its classes: no --class-names", model));
  }
  opened.class_names = read_class_names(class_names, opened);
}

}  // namespace fovea::cli
