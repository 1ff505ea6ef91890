#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "command_line.h"
#include "commands.h"
#include "fovea/error.h"
#include "fovea/model_file.h"
#include "fovea/onnx.h"
#include "fovea/tensor_file.h"
#include "fovea/zoo.h"
#include "model_options.h"
#include "options.h"

namespace fovea::cli {

namespace {

struct ConvertOptions {
  CommonOptions common;
  ModelOptions in;
  std::string input;
  std::string out;
};

bool is_onnx(const std::string& path) { return path.ends_with(".onnx"); }

// Whether the network goes along with the weights: from or to ONNX, of networks by name, and where something is said of
// the network.
bool converts_network(const ConvertOptions& options) {
  const ModelOptions& in = options.in;
  const bool named = !is_model_file(in.model) && !is_weights_file(in.model);
  const bool told = !in.weights.empty() || !in.mean.empty() || !in.std.empty() || !in.class_names.empty();
  return is_onnx(options.out) || named || told || (is_onnx(in.model) && options.out.ends_with(".safetensors"));
}

void convert_network(const ConvertOptions& options) {
  const bool fresh = !is_model_file(options.in.model) && options.in.weights.empty();
  const Shape input = input_shape(options.input);
  ZooOptions variant = options.in.variant;
  variant.input = input;
  const Model model = fresh ? Model(describe_network(options.in.model, variant)) : options.in.open(input);
  if (is_onnx(options.out)) {
    export_onnx(model, options.out);
  } else if (options.out.ends_with(".safetensors")) {
    save_model(model, options.out);
  } else {
    throw Error(ErrorKind::usage, fmt::format("a network is written as .onnx or .safetensors, got {}", options.out));
  }
  fmt::print("{}: {} nodes, {} parameters{}\n", options.out, model.graph().nodes().size(),
             model.graph().total_cost().parameters, fresh ? ", fresh weights" : "");
}

void convert_tensors(const ConvertOptions& options) {
  const TensorFile file = open_tensor_file(options.in.model);
  const std::vector<StoredTensor> tensors = state_dict(file);
  write_tensor_file(options.out, tensors, file.metadata);
  fmt::print("{}: {} tensor{}", options.out, tensors.size(), tensors.size() == 1 ? "" : "s");
  if (tensors.size() < file.tensors.size()) {
    fmt::print(", those of {}; {} beside it are left out", file.state_dict.substr(0, file.state_dict.size() - 1),
               file.tensors.size() - tensors.size());
  }
  fmt::print("\n");
}

void run_convert(const ConvertOptions& options) {
  options.common.apply();
  require_option(options.in.model, "name the file or network to convert and the file to write");
  require_option(options.out, "name the file to write after the one to convert");
  converts_network(options) ? convert_network(options) : convert_tensors(options);
}

}  // namespace

Run add_convert(CLI::App& program) {
  auto options = std::make_shared<ConvertOptions>();
  CLI::App& command =
      add_command(program, "convert", "Networks and weights from one format to another, told by the extensions");
  options->in.add(command);
  option_of(command, "model")
      .description(
          "a file of weights (safetensors, PyTorch, NumPy; of a checkpoint its state dict is taken) or of a network "
          "(ONNX, "
          "safetensors), or a network by name");
  add_option(command, "out", options->out,
             ".onnx, .safetensors (with the network, where there is one), .pt, .pth, .th, .npz or .npy")
      .type_name("OUT");
  options->in.add_pictures(command);
  options->in.shows_pictures = false;
  add_input_option(command, options->input);
  options->common.add(command);
  return [options] { run_convert(*options); };
}

}  // namespace fovea::cli
