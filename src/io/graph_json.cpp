#include "io/graph_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "fovea/error.h"
#include "fovea/op.h"
#include "io/json.h"
#include "io/json_values.h"
#include "io/parameter_names.h"

namespace fovea {

using nlohmann::json;

namespace {

constexpr size_t max_nodes = 10'000;  // the deepest published networks have some hundreds
constexpr size_t max_text = 200;      // bytes

// Texts of a file end up in messages, on a terminal.
const std::string& checked_text(const std::string& text) {
  const bool printable = std::ranges::all_of(text, [](char c) { return c < 0 || (c >= ' ' && c != 0x7F); });
  if (text.empty() || text.size() > max_text || !printable) {
    throw Error(ErrorKind::format, fmt::format("1 to {} printable bytes expected, got {}", max_text, quote_name(text)));
  }
  return text;
}

// A list of whole numbers, unless one of them is written with a point.
Attribute list_from_json(const json& list) {
  if (std::ranges::none_of(list, [](const json& item) { return item.is_number_float(); })) return json_integers(list);
  std::vector<double> numbers;
  for (const json& item : list) numbers.push_back(json_number(item));
  return numbers;
}

Attribute attribute_from_json(const json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number_float()) return value.get<double>();
  if (value.is_string()) return checked_text(json_text(value));
  if (value.is_array()) return list_from_json(value);
  return json_integer(value);
}

Value find(Graph& graph, const std::string& name) {
  if (!graph.contains(name)) {
    throw Error(ErrorKind::format, fmt::format("there is no node {} before it", quote_name(name)));
  }
  return graph.value(name);
}

// Their names, unless all are as the graph makes them.
std::optional<json> own_names(const Graph& graph, const Node& node) {
  std::vector<Shape> shapes;
  for (const int input : node.inputs) shapes.push_back(graph.node(input).shape);
  const std::vector<ParameterSpec> specs = node.op->parameters(shapes);
  json names = json::array();
  bool own = false;
  for (size_t i = 0; i < node.parameters.size(); ++i) {
    const std::string& name = graph.parameters()[static_cast<size_t>(node.parameters[i])].name;
    own = own || name != default_parameter_name(node.name, specs[i].name);
    names.push_back(name);
  }
  return own ? std::optional(names) : std::nullopt;
}

// Names of the parameters, with those of a node's own list.
void add_node(Graph& graph, std::vector<std::string>& names, const json& node) {
  const std::string& name = checked_text(json_text(json_member(node, "name")));
  if (!node.contains("op")) {
    graph.input(name, Shape(json_integers(json_member(node, "shape"))));
    return;
  }
  std::vector<Value> inputs;
  for (const json& input : json_array(node, "inputs")) inputs.push_back(find(graph, json_text(input)));
  Attributes attributes;
  for (const auto& [key, value] : json_member(node, "attributes").items()) {
    attributes[checked_text(key)] = attribute_from_json(value);
  }
  graph.add(name, make_op(checked_text(json_text(json_member(node, "op"))), attributes), inputs);
  if (!node.contains("parameters")) {
    for (size_t i = names.size(); i < graph.parameters().size(); ++i) names.push_back(graph.parameters()[i].name);
    return;
  }
  for (const json& own : json_array(node, "parameters")) names.push_back(checked_text(json_text(own)));
  if (names.size() != graph.parameters().size()) {
    throw Error(ErrorKind::format, fmt::format("node '{}' lists too few or too many parameters", name));
  }
}

}  // namespace

json graph_to_json(const Graph& graph) {
  json nodes = json::array();
  for (const Node& node : graph.nodes()) {
    json entry = {{"name", node.name}};
    if (node.op) {
      entry["op"] = node.op->type();
      entry["inputs"] = json::array();
      for (const int input : node.inputs) entry["inputs"].push_back(graph.node(input).name);
      entry["attributes"] = json::object();
      for (const auto& [key, attribute] : node.op->attributes()) {
        entry["attributes"][key] = std::visit([](const auto& value) { return json(value); }, attribute);
      }
      if (const auto names = own_names(graph, node)) entry["parameters"] = *names;
    } else {
      entry["shape"] = std::vector<int64_t>(node.shape.dims().begin() + 1, node.shape.dims().end());
    }
    nodes.push_back(std::move(entry));
  }
  json result = {{"nodes", std::move(nodes)}, {"output", graph.node(graph.output_node()).name}};
  for (const AuxiliaryOutput& auxiliary : graph.auxiliary_outputs()) {
    result["auxiliary"].push_back({{"output", graph.node(auxiliary.node).name}, {"weight", auxiliary.weight}});
  }
  return result;
}

Graph graph_from_json(const json& value, const std::string& source) {
  std::string at = "graph";
  try {
    const json& nodes = json_array(value, "nodes");
    if (nodes.empty() || nodes.size() > max_nodes) {
      throw Error(ErrorKind::format, fmt::format("1 to {} nodes are allowed, got {}", max_nodes, nodes.size()));
    }
    Graph graph;
    std::vector<std::string> names;
    for (size_t i = 0; i < nodes.size(); ++i) {
      at = fmt::format("graph, node {}", i);
      add_node(graph, names, nodes[i]);
    }
    at = "graph, output";
    graph.set_output(find(graph, json_text(json_member(value, "output"))));
    if (value.contains("auxiliary")) {
      at = "graph, auxiliary";
      for (const json& item : json_array(value, "auxiliary")) {
        graph.add_auxiliary_output(find(graph, json_text(json_member(item, "output"))),
                                   json_number(json_member(item, "weight")));
      }
    }
    at = "graph, parameters";
    return with_parameter_names(graph, names);
  } catch (const Error& error) {
    throw Error(ErrorKind::format, fmt::format("{}: {}: {}", source, at, error.what()));
  }
}

}  // namespace fovea
