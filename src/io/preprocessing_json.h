#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fovea/graph.h"
#include "fovea/preprocessing.h"

namespace fovea {

// What a model knows besides its network, as JSON in a file's metadata. The reverse throws Error(format) for values of
// another kind or size.
nlohmann::json preprocessing_to_json(const Preprocessing& p);
Preprocessing preprocessing_from_json(const nlohmann::json& value);
std::vector<std::string> class_names_from_json(const nlohmann::json& value);

// Throws Error(format), which opens with `source`, unless the preprocessing makes sense and gives what the network
// takes.
void check_preprocessing(const Preprocessing& p, const Graph& graph, const std::string& source);

}  // namespace fovea
