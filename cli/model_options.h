#pragma once

#include <cstdint>
#include <string>

#include "command_line.h"
#include "data_options.h"
#include "fovea/model.h"
#include "fovea/shape.h"
#include "fovea/zoo.h"

namespace fovea::cli {

// A network that can be used: a model file, or a network by name or text form with the weights of a file of any known
// format.
struct ModelOptions {
  std::string model;
  std::string weights;
  ZooOptions variant;
  std::string mean;
  std::string std;
  ResizeOptions resize;
  std::string class_names;
  bool shows_pictures = false;  // the command needs to know how pictures become the input

  // The positional MODEL, --weights, --classes, --width and --aux-logits.
  void add(CLI::App& command);
  // --mean, --std, --shorter-side, --filter and --class-names, for commands that show pictures to the network.
  void add_pictures(CLI::App& command);

  // `input` is for networks by name or text form, empty for their own. Such a network, and a file that does not say how
  // pictures are prepared where the command shows it some, takes them resized to its input, normalised by --mean and
  // --std or else, those of three channels, by ImageNet's. Throws Error(usage) for options that do not go together,
  // Error(data) for class names that are not as many as outputs, and as load_model and load_weights do.
  Model open(const Shape& input) const;

 private:
  void complete(Model& opened, bool file) const;
};

}  // namespace fovea::cli
