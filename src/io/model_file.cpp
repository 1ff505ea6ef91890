#include "fovea/model_file.h"

#include <fmt/format.h>

#include "core/file.h"
#include "fovea/compress.h"
#include "fovea/error.h"
#include "fovea/onnx.h"
#include "io/checkpoint_file.h"
#include "io/f32_entries.h"
#include "io/graph_json.h"
#include "io/json.h"
#include "io/json_values.h"
#include "io/preprocessing_json.h"
#include "io/weights.h"
#include "kernels/nearest.h"
#include "ops/quantized_ops.h"

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

using Metadata = std::map<std::string, std::string>;

const std::string& metadata_entry(const Metadata& metadata, const std::string& key, const std::string& source) {
  const auto found = metadata.find(key);
  if (found == metadata.end()) refuse(source, fmt::format("not a Fovea model: the metadata lack '{}'", key));
  return found->second;
}

}  // namespace

std::map<std::string, std::string> model_metadata(const Model& model, const std::filesystem::path& path) {
  if (model.graph().nodes().empty()) {
    throw Error(ErrorKind::usage, fmt::format("cannot write {}: the model has no nodes", path.string()));
  }
  Metadata metadata = {{"fovea.version", "1"}, {"fovea.graph", graph_to_json(model.graph()).dump()}};
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
  return metadata;
}

namespace {

// Of every parameter that is kept as whole numbers of one byte, these; empty for the others.
std::vector<std::vector<int8_t>> whole_parameters(const Model& model) {
  std::vector<std::vector<int8_t>> whole(model.parameters().size());
  for (const Node& node : model.graph().nodes()) {
    for (size_t k = 0; k < node.parameters.size(); ++k) {
      if (stored_type(*node.op, k) != DType::i8) continue;
      const auto index = static_cast<size_t>(node.parameters[k]);
      for (const float value : model.parameters()[index].values()) {
        whole[index].push_back(static_cast<int8_t>(to_weight(value)));
      }
    }
  }
  return whole;
}

}  // namespace

void save_model_with(const Model& model, const std::filesystem::path& path, std::span<const NamedTensor> tensors,
                     const std::map<std::string, std::string>& more_metadata) {
  Metadata metadata = model_metadata(model, path);
  metadata.insert(more_metadata.begin(), more_metadata.end());
  const std::vector<std::vector<int8_t>> whole = whole_parameters(model);
  const auto name = [&](size_t i) -> const std::string& { return model.graph().parameters()[i].name; };
  std::vector<NamedTensor> real;
  for (size_t i = 0; i < whole.size(); ++i) {
    if (whole[i].empty()) real.push_back({name(i), &model.parameters()[i]});
  }
  real.insert(real.end(), tensors.begin(), tensors.end());
  std::vector<SafetensorsEntry> all = f32_entries(path, real);
  for (size_t i = 0; i < whole.size(); ++i) {
    if (whole[i].empty()) continue;
    all.push_back({name(i), DType::i8, model.parameters()[i].shape(), std::as_bytes(std::span(whole[i]))});
  }
  write_safetensors_entries(path, all, metadata);
}

namespace {

// The graph in the metadata, which tensors of these shapes fit.
Graph read_graph(const Metadata& metadata, const NamedShapes& shapes, const std::string& source) {
  if (const std::string& version = metadata_entry(metadata, "fovea.version", source); version != "1") {
    refuse(source, fmt::format("version {} of the model format; this program reads version 1", quote_name(version)));
  }
  const std::string& text = metadata_entry(metadata, "fovea.graph", source);
  Graph graph = graph_from_json(parse_json(text, source + ": graph"), source);
  check_weights(shapes, graph, "", source);
  return graph;
}

Model make_model(Graph graph, std::vector<Tensor> parameters, const Metadata& metadata, const std::string& source) {
  Model model(std::move(graph), std::move(parameters));
  if (const auto text = metadata.find("fovea.preprocessing"); text != metadata.end()) {
    model.preprocessing = read_json_metadata(*text, source, preprocessing_from_json);
    check_preprocessing(model.preprocessing, model.graph(), source);
  }
  if (const auto text = metadata.find("fovea.classes"); text != metadata.end()) {
    model.class_names = read_json_metadata(*text, source, class_names_from_json);
  }
  const Shape& output = model.graph().node(model.graph().output_node()).shape;
  if (const auto classes = std::ssize(model.class_names); classes != 0 && output.back() != classes) {
    refuse(source, fmt::format("{} class names for {} outputs", classes, output.back()));
  }
  return model;
}

}  // namespace

Model read_model(const SafetensorsFile& file, const std::string& source) {
  NamedShapes shapes;
  for (const SafetensorsEntry& entry : file.entries()) shapes.emplace(entry.name, entry.shape);
  Graph graph = read_graph(file.metadata(), shapes, source);
  std::vector<Tensor> parameters;
  for (const ParameterSpec& spec : graph.parameters()) parameters.push_back(file.read_f32(spec.name));
  return make_model(std::move(graph), std::move(parameters), file.metadata(), source);
}

Model assemble_model(const std::map<std::string, std::string>& metadata, std::map<std::string, Tensor> tensors,
                     const std::string& source) {
  NamedShapes shapes;
  for (const auto& [name, tensor] : tensors) shapes.emplace(name, tensor.shape());
  Graph graph = read_graph(metadata, shapes, source);
  std::vector<Tensor> parameters;
  for (const ParameterSpec& spec : graph.parameters()) parameters.push_back(std::move(tensors.at(spec.name)));
  return make_model(std::move(graph), std::move(parameters), metadata, source);
}

void save_model(const Model& model, const std::filesystem::path& path) { save_model_with(model, path, {}, {}); }

Model load_model(const std::filesystem::path& path) {
  if (path.extension() == ".onnx") return import_onnx(path).model;
  if (const MappedFile file(path); is_compressed_model(file.bytes())) {
    return parse_compressed(file.bytes(), path.string());
  }
  return read_model(SafetensorsFile::open(path), path.string());
}

}  // namespace fovea
