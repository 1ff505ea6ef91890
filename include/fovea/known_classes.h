#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fovea/data.h"

namespace fovea {

// A data set of some of the classes that a model knows, in the model's numbers: its class names become `known`, and
// every label the number of the known class with the name of the data set's, or, where none has it, the number from 0
// that the name is. Throws Error(data) naming a class that is not found, or that is there twice.
std::shared_ptr<const Dataset> with_known_classes(std::shared_ptr<const Dataset> dataset,
                                                  std::vector<std::string> known);

}  // namespace fovea
