#include "model_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <sstream>
#include <vector>

#include "command_line.h"
#include "core/file.h"
#include "core/text.h"
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

// A name on each line; what stands before it as WordNet's number (n01440764) is left out.
std::vector<std::string> read_class_names(const std::filesystem::path& path) {
  constexpr uint64_t largest = 1 << 24;
  const std::vector<std::byte> bytes = read_file(path, largest);
  std::istringstream lines(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  std::vector<std::string> names;
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    const bool numbered = line.size() > 10 && line[0] == 'n' && line[9] == ' ' &&
                          std::all_of(line.begin() + 1, line.begin() + 9, [](char c) { return c >= '0' && c <= '9'; });
    names.push_back(printable(numbered ? line.substr(10) : line));
  }
  return names;
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

// Zeros take no memory until weights are written over them.
Model empty_model(Graph graph) {
  std::vector<Tensor> parameters;
  for (const ParameterSpec& spec : graph.parameters()) parameters.emplace_back(spec.shape);
  return {std::move(graph), std::move(parameters)};
}

}  // namespace

void ModelOptions::add(CLI::App& command) {
  add_option(command, "model", model,
             "model file, such as runs/lenet5/best.safetensors, or a name (resnet50) or text form with --weights")
      .type_name("MODEL");
  add_option(command, "--weights", weights,
             "weights for it: a state dict or checkpoint as .pth, .pt, .th, .safetensors or .npz")
      .type_name("FILE");
  add_option(command, "--classes", variant.classes, "classes of a network by name; default: its own")
      .check(check_number<int64_t>);
  add_variant_options(command, variant);
}

void ModelOptions::add_pictures(CLI::App& command) {
  shows_pictures = true;
  add_option(command, "--mean", mean,
             "what is subtracted from pixels in [0, 1], where the file does not say; default: ImageNet's")
      .type_name("R,G,B");
  add_option(command, "--std", std, "what they are then divided by, where the file does not say; default: ImageNet's")
      .type_name("R,G,B");
  resize.add(command);
  add_option(command, "--class-names", class_names, "text file with the name of a class on each line")
      .type_name("FILE");
}

Model ModelOptions::open(const Shape& input) const {
  require_option(model, "name a model file, such as runs/lenet5/best.safetensors, or a network and its --weights");
  if (is_weights_file(model)) {
    throw Error(ErrorKind::usage,
                fmt::format("{} holds weights alone: name their network, then --weights {}", model, model));
  }
  const bool file = is_model_file(model);
  if (file && (input.rank() != 0 || variant.classes != 0)) {
    throw Error(ErrorKind::usage, fmt::format("--input and --classes are for networks by name; {} has its own", model));
  }
  ZooOptions options = variant;
  options.input = input;
  if (!file && weights.empty()) {
    const Graph graph = describe_network(model, options);  // a slip in the name comes first
    throw Error(ErrorKind::usage,
                fmt::format("'{}' is a network without weights: give them with --weights FILE", model));
  }
  Model opened = file ? load_model(model) : empty_model(describe_network(model, options));
  if (!weights.empty()) load_weights(opened, weights);
  complete(opened, file);
  return opened;
}

void ModelOptions::complete(Model& opened, bool file) const {
  // Files of other programs say nothing of how pictures are prepared.
  const bool prepared = opened.preprocessing.height != 0;
  const bool given = !mean.empty() || !std.empty();
  if (prepared && given) {
    throw Error(ErrorKind::usage,
                fmt::format("--mean and --std are for networks that do not have their own, {} has", model));
  }
  if (!prepared && (!file || given || shows_pictures)) {
    opened.preprocessing = choose_preprocessing(opened.graph(), mean, std);
  }
  resize.apply(opened.preprocessing);
  if (class_names.empty()) return;
  opened.class_names = read_class_names(class_names);
  const auto named = std::ssize(opened.class_names);
  const int64_t outputs = opened.graph().node(opened.graph().output_node()).shape.back();
  if (named != outputs) {
    throw Error(ErrorKind::data, fmt::format("{}: {} lines for the network's {} outputs", class_names, named, outputs));
  }
}

}  // namespace fovea::cli
