#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "arguments.h"
#include "commands.h"
#include "core/suggest.h"
#include "core/text.h"
#include "fovea/error.h"
#include "fovea/session.h"
#include "fovea/tensor_file.h"
#include "model_options.h"
#include "options.h"

namespace fovea::cli {

namespace {

namespace fs = std::filesystem;

struct RunOptions {
  CommonOptions common;
  ModelOptions model;
  std::vector<std::string> inputs;
  std::string output = ".";
};

[[noreturn]] void usage_error(const std::string& message) { throw Error(ErrorKind::usage, message); }

// "name=x.npy" or "x.npy".
struct NamedFile {
  std::string name;
  std::string path;
};

NamedFile split_input(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || fs::exists(text)) return {"", text};
  return {text.substr(0, equals), text.substr(equals + 1)};
}

Tensor read_array(const std::string& path) {
  const TensorFile file = open_tensor_file(path);
  if (file.tensors.size() != 1) {
    throw Error(ErrorKind::format,
                fmt::format("{}: an input is one array, this file holds {}", path, file.tensors.size()));
  }
  return read_f32(file.tensors.front());
}

std::map<std::string, Tensor> read_inputs(const std::vector<std::string>& texts) {
  std::map<std::string, Tensor> arrays;
  for (const std::string& text : texts) {
    const auto [name, path] = split_input(text);
    if (name.empty() && texts.size() > 1) usage_error("of several inputs each must be named: --input NAME=FILE");
    if (!arrays.emplace(name, read_array(path)).second) usage_error(fmt::format("input '{}' is given twice", name));
  }
  return arrays;
}

// Gives a single array the name of a single input.
void name_input(std::map<std::string, Tensor>& arrays, const std::vector<std::string>& names) {
  if (!arrays.contains("")) return;
  if (names.size() != 1) {
    usage_error(fmt::format("the network has {} inputs: name them, --input NAME=FILE", names.size()));
  }
  auto only = arrays.extract("");
  only.key() = names.front();
  arrays.insert(std::move(only));
}

// Checks that there is an array of the right shape for every input of the network; returns the batch they have.
int64_t check_inputs(const Graph& graph, std::map<std::string, Tensor>& arrays) {
  std::vector<std::string> names;
  for (const int index : graph.inputs()) names.push_back(graph.node(index).name);
  name_input(arrays, names);
  for (const auto& [name, array] : arrays) {
    if (std::ranges::find(names, name) != names.end()) continue;
    usage_error(fmt::format("the network has no input '{}'{}", name, did_you_mean(name, names)));
  }
  const Shape& first = arrays.begin()->second.shape();
  const int64_t batch = first.rank() > 0 ? std::max<int64_t>(first[0], 1) : 1;
  for (const std::string& name : names) {
    const auto array = arrays.find(name);
    if (array == arrays.end()) usage_error(fmt::format("input '{}' is missing: --input {}=FILE", name, name));
    const Shape expected = graph.node(graph.find(name)).shape.with_batch(batch);
    if (array->second.shape() == expected) continue;
    throw Error(ErrorKind::format, fmt::format("input '{}': expected {}, got {}", name, to_string(expected),
                                               to_string(array->second.shape())));
  }
  return batch;
}

// A network by name takes the extents of the array.
Shape input_extents(const std::map<std::string, Tensor>& arrays, const std::string& model) {
  const Shape& shape = arrays.begin()->second.shape();
  return is_model_file(model) || arrays.size() != 1 || shape.rank() != 4 ? Shape() : shape.without_batch();
}

fs::path write_output(const RunOptions& options, const Session& session, const std::string& node) {
  std::string name = node;
  std::ranges::replace(name, '/', '_');
  const fs::path path = fs::path(options.output) / (name + ".npy");
  const StoredTensor tensor{
      .name = node, .dtype = DType::f32, .shape = session.shape(node), .bytes = std::as_bytes(session.output())};
  write_tensor_file(path, std::span(&tensor, 1));
  return path;
}

void run_run(const RunOptions& options) {
  options.common.apply();
  require_option(options.model.model, "name a model file, or a network and its --weights");
  if (options.inputs.empty()) usage_error("give the network's input with --input FILE.npy");
  std::map<std::string, Tensor> arrays = read_inputs(options.inputs);
  Model model = options.model.open(input_extents(arrays, options.model.model));
  const int64_t batch = check_inputs(model.graph(), arrays);
  const std::string output = model.graph().node(model.graph().output_node()).name;
  Session session(std::move(model), {.batch = batch});
  for (const auto& [name, array] : arrays) std::ranges::copy(array.values(), session.input(name).begin());
  session.forward();
  fs::create_directories(options.output);
  const fs::path path = write_output(options, session, output);
  fmt::print("{}  {}\n", printable(path), to_string(session.shape(output)));
}

}  // namespace

Run add_run(CLI::App& program) {
  auto options = std::make_shared<RunOptions>();
  CLI::App* command = program.add_subcommand("run", "Any tensors through a network");
  options->model.add(*command);
  command
      ->add_option("--input", options->inputs,
                   "array for the network's input, batch first, channels last; NAME=FILE where there are several")
      ->type_name("[NAME=]FILE.npy")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_option("--output", options->output, "where the network's output goes, as NODE.npy")
      ->type_name("FOLDER")
      ->capture_default_str();
  options->common.add(*command);
  return [options] { run_run(*options); };
}

}  // namespace fovea::cli
