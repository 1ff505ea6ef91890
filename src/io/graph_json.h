#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "fovea/graph.h"

namespace fovea {

// A graph as JSON, every node after its inputs:
//   {"nodes": [{"name": "input", "shape": [28, 28, 1]},
//              {"name": "conv1", "op": "conv", "inputs": ["input"], "attributes": {"filters": 6, ...}}, ...],
//    "output": "fc"}
// A node whose parameters do not have the names that the graph makes up lists them: "parameters": ["W", "B"].
nlohmann::json graph_to_json(const Graph& graph);

// The reverse, for untrusted files: every op is made by make_op and every shape inferred anew. Takes memory in
// proportion to the JSON only, whatever it describes. Throws Error(format), one line that opens with `source`.
Graph graph_from_json(const nlohmann::json& value, const std::string& source);

}  // namespace fovea
