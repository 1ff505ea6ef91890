#include "fovea/model_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "fovea/error.h"
#include "io/checkpoint_file.h"
#include "io/graph_json.h"
#include "io/json.h"
#include "io/json_values.h"
#include "io/weights.h"

namespace fovea {

using nlohmann::json;

namespace {

constexpr int64_t max_extent = 1 << 16;  // of a picture, so that products of three fit

[[noreturn]] void refuse(const std::string& source, const std::string& why) {
  throw Error(ErrorKind::format, fmt::format("{}: {}", source, why));
}

json preprocessing_to_json(const Preprocessing& p) {
  return {{"height", p.height},   {"width", p.width}, {"channels", p.channels},
          {"padding", p.padding}, {"mean", p.mean},   {"std", p.std}};
}

Preprocessing preprocessing_from_json(const json& value) {
  const auto extent = [&](const char* key) {
    const int64_t number = json_integer(json_member(value, key));
    if (number < 0 || number > max_extent) {
      throw Error(ErrorKind::format, fmt::format("{} must be 0 to {}, got {}", key, max_extent, number));
    }
    return static_cast<int>(number);
  };
  const auto numbers = [&](const char* key) {
    std::vector<float> list;
    for (const json& item : json_array(value, key)) list.push_back(static_cast<float>(json_number(item)));
    return list;
  };
  return {extent("height"), extent("width"), extent("channels"), extent("padding"), numbers("mean"), numbers("std")};
}

void check_preprocessing(const Preprocessing& p, const Graph& graph, const std::string& source) {
  const auto count = static_cast<size_t>(p.channels);
  const bool sane = (p.channels == 1 || p.channels == 3) && 2 * p.padding < p.height && 2 * p.padding < p.width &&
                    p.mean.size() == count && p.std.size() == count &&
                    std::ranges::all_of(p.mean, [](float m) { return std::isfinite(m); }) &&
                    std::ranges::all_of(p.std, [](float s) { return s > 0 && std::isfinite(s); });
  if (!sane) refuse(source, "the preprocessing makes no sense");
  const std::vector<int> inputs = graph.inputs();
  const Shape wanted{1, p.height, p.width, p.channels};
  if (inputs.size() == 1 && graph.node(inputs[0]).shape != wanted) {
    refuse(source, fmt::format("the preprocessing gives {}, node '{}' takes {}", to_string(wanted.without_batch()),
                               graph.node(inputs[0]).name, to_string(graph.node(inputs[0]).shape.without_batch())));
  }
}

std::vector<std::string> class_names_from_json(const json& value) {
  std::vector<std::string> names;
  if (!value.is_array()) throw Error(ErrorKind::format, "a list is expected");
  for (const json& name : value) names.push_back(json_text(name));
  return names;
}

// Parses an entry of the metadata; errors are led by the file and the entry's name.
template <class Parse>
auto read_json_metadata(const std::pair<const std::string, std::string>& entry, const std::string& source,
                        Parse parse) {
  const std::string where = fmt::format("{}: {}", source, entry.first);
  const json value = parse_json(entry.second, where);
  try {
    return parse(value);
  } catch (const Error& error) {
    refuse(where, error.what());
  }
}

const std::string& metadata(const SafetensorsFile& file, const std::string& key, const std::string& source) {
  const auto found = file.metadata().find(key);
  if (found == file.metadata().end()) refuse(source, fmt::format("not a Fovea model: the metadata lack '{}'", key));
  return found->second;
}

}  // namespace

void save_model_with(const Model& model, const std::filesystem::path& path, std::span<const NamedTensor> tensors,
                     const std::map<std::string, std::string>& more_metadata) {
  if (model.graph().nodes().empty()) {
    throw Error(ErrorKind::usage, fmt::format("cannot write {}: the model has no nodes", path.string()));
  }
  std::vector<NamedTensor> all;
  for (size_t i = 0; i < model.parameters().size(); ++i) {
    all.push_back({model.graph().parameters()[i].name, &model.parameters()[i]});
  }
  all.insert(all.end(), tensors.begin(), tensors.end());
  std::map<std::string, std::string> metadata = more_metadata;
  metadata.insert_or_assign("fovea.version", std::string("1"));
  metadata["fovea.graph"] = graph_to_json(model.graph()).dump();
  if (model.preprocessing.height != 0) {
    metadata["fovea.preprocessing"] = preprocessing_to_json(model.preprocessing).dump();
  }
  if (!model.class_names.empty()) {
    try {
      metadata["fovea.classes"] = json(model.class_names).dump();
    } catch (const json::exception&) {
      throw Error(ErrorKind::usage, fmt::format("cannot write {}: a class name is not UTF-8", path.string()));
    }
  }
  write_safetensors(path, all, metadata);
}

Model read_model(const SafetensorsFile& file, const std::string& source) {
  if (const std::string& version = metadata(file, "fovea.version", source); version != "1") {
    refuse(source, fmt::format("version {} of the model format; this program reads version 1", quote_name(version)));
  }
  Graph graph = graph_from_json(parse_json(metadata(file, "fovea.graph", source), source + ": graph"), source);
  NamedShapes shapes;
  for (const SafetensorsEntry& entry : file.entries()) shapes.emplace(entry.name, entry.shape);
  check_weights(shapes, graph, "", source);

  std::vector<Tensor> parameters;
  for (const ParameterSpec& spec : graph.parameters()) parameters.push_back(file.read_f32(spec.name));
  Model model(std::move(graph), std::move(parameters));
  if (const auto text = file.metadata().find("fovea.preprocessing"); text != file.metadata().end()) {
    model.preprocessing = read_json_metadata(*text, source, preprocessing_from_json);
    check_preprocessing(model.preprocessing, model.graph(), source);
  }
  if (const auto text = file.metadata().find("fovea.classes"); text != file.metadata().end()) {
    model.class_names = read_json_metadata(*text, source, class_names_from_json);
  }
  const Shape& output = model.graph().node(model.graph().output_node()).shape;
  if (const auto classes = std::ssize(model.class_names); classes != 0 && output.back() != classes) {
    refuse(source, fmt::format("{} class names for {} outputs", classes, output.back()));
  }
  return model;
}

void save_model(const Model& model, const std::filesystem::path& path) { save_model_with(model, path, {}, {}); }

Model load_model(const std::filesystem::path& path) { return read_model(SafetensorsFile::open(path), path.string()); }

}  // namespace fovea
