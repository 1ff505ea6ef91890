#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "fovea/model.h"
#include "fovea/shape.h"

namespace fovea::cli {

// A network that can be used: a model file, or a network by name or text form with the weights of a file of any known
// format.
struct ModelOptions {
  std::string model;
  std::string weights;
  int64_t classes = 0;
  std::string mean;
  std::string std;
  std::string class_names;
  bool shows_pictures = false;  // the command needs to know how pictures become the input

  // The positional MODEL, --weights and --classes.
  void add(CLI::App& command);
  // --mean, --std and --class-names, for what a file does not say of the pictures that its network takes.
  void add_pictures(CLI::App& command);

  // `input` is for networks by name or text form, empty for their own. Such a network takes pictures resized to its
  // input, normalised by --mean and --std or else, those of three channels, by ImageNet's; an ONNX file that does not
  // say how takes them by --mean and --std alone. Throws Error(usage) for options that do not go together, and as
  // load_model and load_weights do.
  Model open(const Shape& input) const;

 private:
  void complete(Model& opened, bool file) const;
};

}  // namespace fovea::cli
