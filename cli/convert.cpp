#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "arguments.h"
#include "commands.h"
#include "fovea/tensor_file.h"
#include "options.h"

namespace fovea::cli {

namespace {

struct ConvertOptions {
  CommonOptions common;
  std::string in;
  std::string out;
};

void run_convert(const ConvertOptions& options) {
  options.common.apply();
  require_option(options.in, "name the file to convert and the file to write");
  require_option(options.out, "name the file to write after the one to convert");
  const TensorFile file = open_tensor_file(options.in);
  const std::vector<StoredTensor> tensors = state_dict(file);
  write_tensor_file(options.out, tensors, file.metadata);
  fmt::print("{}: {} tensor{}", options.out, tensors.size(), tensors.size() == 1 ? "" : "s");
  if (tensors.size() < file.tensors.size()) {
    fmt::print(", those of {}; {} beside it are left out", file.state_dict.substr(0, file.state_dict.size() - 1),
               file.tensors.size() - tensors.size());
  }
  fmt::print("\n");
}

}  // namespace

Run add_convert(CLI::App& program) {
  auto options = std::make_shared<ConvertOptions>();
  CLI::App* command = program.add_subcommand("convert", "Weights from one format to another, told by the extensions");
  command->add_option("in", options->in, "safetensors, PyTorch or NumPy file; of a checkpoint its state dict is taken")
      ->type_name("IN");
  command->add_option("out", options->out, ".safetensors, .pt, .pth, .th, .npz or (one tensor) .npy")->type_name("OUT");
  options->common.add(*command);
  return [options] { run_convert(*options); };
}

}  // namespace fovea::cli
