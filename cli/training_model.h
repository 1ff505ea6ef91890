#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "command_line.h"
#include "fovea/data.h"
#include "fovea/model.h"
#include "fovea/zoo.h"

namespace fovea::cli {

// The flags of `train` that say which network, and with which weights it begins.
struct NetworkFlags {
  std::string model;
  std::string weights;
  std::string input;
  std::string init;
  std::string whiten;
  ZooOptions variant;

  void add(CLI::App& command);
};

struct StartingModel {
  Model model;
  std::vector<std::string> head;  // parameters of the classifier
  std::string note{};             // one line for the user, about where the weights are from; may be empty
};

// The network for these pictures, ready to be trained. Throws Error(usage) for flags that do not go together, and as
// load_model and transfer_weights do.
StartingModel make_starting_model(const NetworkFlags& flags, const Dataset& train, uint64_t seed);

}  // namespace fovea::cli
