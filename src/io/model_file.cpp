#include "fovea/model_file.h"

#include <fmt/format.h>

#include "fovea/error.h"
#include "fovea/onnx.h"
#include "io/checkpoint_file.h"
#include "io/graph_json.h"
#include "io/json.h"
#include "io/json_values.h"
#include "io/preprocessing_json.h"
#include "io/weights.h"

namespace fovea {

using nlohmann::json;

namespace {

[[noreturn]] void refuse(const std::string& source, const std::string& why) {
  throw Error(ErrorKind::format, fmt::format("{}: {}", source, why));
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

Model load_model(const std::filesystem::path& path) {
  if (path.extension() == ".onnx") return import_onnx(path).model;
  return read_model(SafetensorsFile::open(path), path.string());
}

}  // namespace fovea
