#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "fovea/model.h"
#include "fovea/preprocessing.h"

// Starting from a network that was trained on something else.
namespace fovea {

struct Transfer {
  std::vector<std::string> head{};  // parameters that keep their fresh values: the classifier of other classes
  int64_t classes = 0;              // of the network in the file, where there is a head; else 0
  Preprocessing preprocessing{};    // that the file tells; height 0: none
};

// Copies the parameters of equal name and shape from a model file, an ONNX file, or any file of weights that
// open_tensor_file reads; the last layer's may have another name there, if no other tensor could be meant. Parameters
// whose shapes differ in the number of classes alone (the first axis) are the head and stay as they are. Nothing is
// changed unless everything else fits: Error(format) lists the names that are missing in the file, unexpected, or of
// another shape. Throws Error(data) when the file cannot be read.
Transfer transfer_weights(Model& model, const std::filesystem::path& path);

// The parameters of the last node that has some to train: the classifier of a network that ends in one.
std::vector<std::string> head_parameters(const Graph& graph);

}  // namespace fovea
