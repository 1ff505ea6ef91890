#include "io/graph_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "fovea/error.h"
#include "fovea/op.h"
#include "io/json.h"

namespace fovea {

using nlohmann::json;

namespace {

constexpr size_t max_nodes = 10'000;  // the deepest published networks have some hundreds
constexpr size_t max_text = 200;      // bytes

json attribute_to_json(const Attribute& attribute) {
  return std::visit([](const auto& value) { return json(value); }, attribute);
}

// Texts of a file end up in messages, on a terminal.
const std::string& checked_text(const std::string& text) {
  const bool printable = std::ranges::all_of(text, [](char c) { return c < 0 || (c >= ' ' && c != 0x7F); });
  if (text.empty() || text.size() > max_text || !printable) {
    throw Error(ErrorKind::format, fmt::format("{} is no name: 1 to {} printable bytes expected", quote_name(text), max_text));
  }
  return text;
}

int64_t to_integer(const json& value) {
  if (!value.is_number_integer() || (value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX)) {
    throw Error(ErrorKind::format, fmt::format("a whole number is expected, got {}", quote_name(value.dump())));
  }
  return value.get<int64_t>();
}

std::vector<int64_t> to_integers(const json& list) {
  std::vector<int64_t> integers;
  for (const json& item : list) integers.push_back(to_integer(item));
  return integers;
}

Attribute attribute_from_json(const json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number_float()) return value.get<double>();
  if (value.is_number()) return to_integer(value);
  if (value.is_string()) return checked_text(value.get_ref<const std::string&>());
  if (value.is_array()) return to_integers(value);
  throw Error(ErrorKind::format, fmt::format("an attribute cannot be {}", quote_name(value.dump())));
}

// The member of an object, which must be of the given type.
const json& member(const json& object, const char* key, json::value_t type) {
  const auto found = object.find(key);
  if (found == object.end() || found->type() != type) {
    throw Error(ErrorKind::format, fmt::format("'{}' ({}) is missing", key, json(type).type_name()));
  }
  return *found;
}

const std::string& text_member(const json& object, const char* key) {
  return checked_text(member(object, key, json::value_t::string).get_ref<const std::string&>());
}

// Builds the graph node by node, keeping an index of names so that large graphs load in linear time.
class Reader {
 public:
  void add(const json& node) {
    if (!node.is_object()) throw Error(ErrorKind::format, "a node is no object");
    const std::string& name = text_member(node, "name");
    if (!node.contains("op")) {
      nodes_[name] = graph_.input(name, Shape(to_integers(member(node, "shape", json::value_t::array))));
      return;
    }
    std::vector<Value> inputs;
    for (const json& input : member(node, "inputs", json::value_t::array)) inputs.push_back(find(input));
    Attributes attributes;
    for (const auto& [key, value] : member(node, "attributes", json::value_t::object).items()) {
      attributes[checked_text(key)] = attribute_from_json(value);
    }
    nodes_[name] = graph_.add(name, make_op(text_member(node, "op"), attributes), inputs);
  }

  Graph finish(const json& output) {
    graph_.set_output(find(output));
    return std::move(graph_);
  }

 private:
  Value find(const json& name) const {
    const auto found = name.is_string() ? nodes_.find(name.get<std::string>()) : nodes_.end();
    if (found == nodes_.end()) {
      throw Error(ErrorKind::format, fmt::format("there is no node {} before it", quote_name(name.dump())));
    }
    return found->second;
  }

  Graph graph_;
  std::unordered_map<std::string, Value> nodes_;
};

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
      for (const auto& [key, value] : node.op->attributes()) entry["attributes"][key] = attribute_to_json(value);
    } else {
      entry["shape"] = std::vector<int64_t>(node.shape.dims().begin() + 1, node.shape.dims().end());
    }
    nodes.push_back(std::move(entry));
  }
  return {{"nodes", std::move(nodes)}, {"output", graph.node(graph.output_node()).name}};
}

Graph graph_from_json(const json& value, const std::string& source) {
  std::string at = "graph";
  try {
    if (!value.is_object()) throw Error(ErrorKind::format, "no JSON object");
    const json& nodes = member(value, "nodes", json::value_t::array);
    if (nodes.empty() || nodes.size() > max_nodes) {
      throw Error(ErrorKind::format, fmt::format("1 to {} nodes are allowed, got {}", max_nodes, nodes.size()));
    }
    Reader reader;
    for (size_t i = 0; i < nodes.size(); ++i) {
      at = fmt::format("graph, node {}", i);
      reader.add(nodes[i]);
    }
    at = "graph, output";
    return reader.finish(member(value, "output", json::value_t::string));
  } catch (const Error& error) {
    throw Error(ErrorKind::format, fmt::format("{}: {}: {}", source, at, error.what()));
  }
}

}  // namespace fovea
