#pragma once

#include <cstdint>
#include <string>

#include "fovea/data.h"
#include "fovea/model.h"
#include "fovea/session.h"

namespace fovea {

// The nodes by which a network is trained and judged as a classifier.
struct Classifier {
  std::string input;
  std::string logits;  // the output, or what a final softmax or log-softmax reads
  int64_t classes = 0;
};

// The one input, which model.preprocessing fills with a picture. Throws Error(format) when there are more or it takes
// something else, Error(usage) when the model has no preprocessing.
std::string find_picture_input(const Model& model);

// Throws as find_picture_input does; Error(format) unless the network tells apart as many classes as the data set has,
// Error(usage) when the data set has no items.
Classifier find_classifier(const Model& model, const Dataset& dataset);

// "'conv2' is the first node with a NaN or an infinity", of the session's last forward().
std::string describe_non_finite(Session& session);

}  // namespace fovea
