#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "arguments.h"
#include "command_line.h"
#include "commands.h"
#include "core/suggest.h"
#include "core/text.h"
#include "fovea/error.h"
#include "fovea/onnx.h"
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

TensorFile open_array(const std::string& path) {
  TensorFile file = open_tensor_file(path);
  if (file.tensors.size() == 1) return file;
  throw Error(ErrorKind::format,
              fmt::format("{}: an input is one array, this file holds {}", path, file.tensors.size()));
}

// By the names of the inputs; a single array may have none.
using Files = std::map<std::string, TensorFile>;

Files open_inputs(const std::vector<std::string>& texts) {
  Files files;
  for (const std::string& text : texts) {
    const auto [name, path] = split_input(text);
    if (name.empty() && texts.size() > 1) usage_error("of several inputs each must be named: --input NAME=FILE");
    if (!files.emplace(name, open_array(path)).second) usage_error(fmt::format("input '{}' is given twice", name));
  }
  return files;
}

// Gives a single array the name of a single input; every array must have that of one.
void name_inputs(Files& files, const std::vector<std::string>& names) {
  if (files.contains("")) {
    if (names.size() != 1) {
      usage_error(fmt::format("the network has {} inputs: name them, --input NAME=FILE", names.size()));
    }
    auto only = files.extract("");
    only.key() = names.front();
    files.insert(std::move(only));
  }
  for (const auto& [name, file] : files) {
    if (std::ranges::find(names, name) != names.end()) continue;
    usage_error(fmt::format("the network has no input '{}'{}", name, did_you_mean(name, names)));
  }
  for (const std::string& name : names) {
    if (!files.contains(name)) usage_error(fmt::format("input '{}' is missing: --input {}=FILE", name, name));
  }
}

const Shape& shape_of(const TensorFile& file) { return file.tensors.front().shape; }

// Checks that there is an array of the right shape for every input of the network; returns the batch they have.
int64_t check_inputs(const Graph& graph, Files& files) {
  std::vector<std::string> names;
  for (const int index : graph.inputs()) names.push_back(graph.node(index).name);
  name_inputs(files, names);
  const Shape& first = shape_of(files.begin()->second);
  const int64_t batch = first.rank() > 0 ? std::max<int64_t>(first[0], 1) : 1;
  for (const auto& [name, file] : files) {
    const Shape expected = graph.node(graph.find(name)).shape.with_batch(batch);
    if (shape_of(file) == expected) continue;
    throw Error(ErrorKind::format,
                fmt::format("input '{}': expected {}, got {}", name, to_string(expected), to_string(shape_of(file))));
  }
  return batch;
}

void write_output(const RunOptions& options, const StoredTensor& output) {
  std::string name = printable(output.name);
  std::ranges::replace(name, '/', '_');
  const fs::path path = fs::path(options.output) / (name + ".npy");
  fs::create_directories(options.output);
  write_tensor_file(path, std::span(&output, 1));
  fmt::print("{}  {}\n", printable(path), to_string(output.shape));
}

// An ONNX file's network in the file's own terms: names, order of axes, element types, all outputs.
void run_onnx_file(const RunOptions& options, Files& files) {
  std::vector<std::string> names;
  OnnxImportOptions known;
  std::map<std::string, OnnxArray> values;
  if (!options.model.weights.empty()) usage_error("an ONNX file has its own weights: no --weights");
  const std::vector<OnnxInput> inputs = onnx_inputs(options.model.model);
  for (const OnnxInput& input : inputs) names.push_back(input.name);
  name_inputs(files, names);
  for (const OnnxInput& input : inputs) {
    OnnxArray array = to_onnx_array(files.at(input.name).tensors.front());
    if (input.needs_value) {
      known.values.emplace(input.name, std::move(array));
    } else {
      known.shapes.emplace(input.name, array.shape);
      values.emplace(input.name, std::move(array));
    }
  }
  OnnxNetwork network = import_onnx(options.model.model, known);
  const std::vector<OnnxArray> outputs = run_onnx(network, values);
  for (size_t i = 0; i < outputs.size(); ++i) {
    std::vector<std::byte> bytes;
    write_output(options, to_stored_tensor(outputs[i], network.outputs[i].name, bytes));
  }
}

// A network by name takes the extents of the array.
Shape input_extents(const Files& files, const std::string& model) {
  const Shape& shape = shape_of(files.begin()->second);
  return is_model_file(model) || files.size() != 1 || shape.rank() != 4 ? Shape() : shape.without_batch();
}

void run_network(const RunOptions& options, Files& files) {
  Model model = options.model.open(input_extents(files, options.model.model));
  const int64_t batch = check_inputs(model.graph(), files);
  const std::string output = model.graph().node(model.graph().output_node()).name;
  Session session(std::move(model), {.batch = batch});
  for (const auto& [name, file] : files) read_f32(file.tensors.front(), session.input(name));
  session.forward();
  write_output(
      options,
      {.name = output, .dtype = DType::f32, .shape = session.shape(output), .bytes = std::as_bytes(session.output())});
}

void run_run(const RunOptions& options) {
  options.common.apply();
  require_option(options.model.model, "name a model file, or a network and its --weights");
  if (options.inputs.empty()) usage_error("give the network's input with --input FILE.npy");
  Files files = open_inputs(options.inputs);
  options.model.model.ends_with(".onnx") ? run_onnx_file(options, files) : run_network(options, files);
}

}  // namespace

Run add_run(CLI::App& program) {
  auto options = std::make_shared<RunOptions>();
  CLI::App& command = add_command(program, "run", "Any tensors through a network");
  options->model.add(command);
  add_option(command, "--input", options->inputs,
             "array for the network's input, batch first, channels last (of ONNX files as they have it); NAME=FILE "
             "where there are several")
      .type_name("[NAME=]FILE.npy")
      .take_all();
  add_option(command, "--output", options->output,
             "where the network's output goes, as NODE.npy; of ONNX files all outputs")
      .type_name("FOLDER")
      .show_default();
  options->common.add(command);
  return [options] { run_run(*options); };
}

}  // namespace fovea::cli
