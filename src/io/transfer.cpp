#include "fovea/transfer.h"

#include <algorithm>
#include <optional>
#include <set>

#include "core/text.h"
#include "fovea/model_file.h"
#include "fovea/safetensors.h"
#include "fovea/tensor_file.h"
#include "io/checkpoint_file.h"
#include "io/weights.h"

namespace fovea {

namespace {

using NamedTensors = std::map<std::string, Tensor>;

NamedTensors tensors_of(Model model) {
  NamedTensors tensors;
  for (size_t i = 0; i < model.parameters().size(); ++i) {
    tensors.emplace(model.graph().parameters()[i].name, std::move(model.parameters()[i]));
  }
  return tensors;
}

// Of a file that holds a network and not its weights alone.
std::optional<Model> read_network(const std::filesystem::path& path) {
  if (path.extension() == ".onnx") return load_model(path);
  if (path.extension() != ".safetensors") return std::nullopt;
  const SafetensorsFile file = SafetensorsFile::open(path);
  if (!file.metadata().contains("fovea.graph")) return std::nullopt;
  return read_model(file, printable(path));
}

NamedTensors read_weights(const std::filesystem::path& path, const Graph& graph) {
  const TensorFile file = open_tensor_file(path);
  NamedTensors tensors;
  for (const StoredTensor& tensor : network_weights(file, graph)) tensors.emplace(tensor.name, file.read_f32(tensor));
  return tensors;
}

bool differ_in_first_axis_at_most(const Shape& a, const Shape& b) {
  return a.rank() > 0 && a.rank() == b.rank() && a.with_dim(0, 1) == b.with_dim(0, 1);
}

// Exporters rename classifiers: a parameter of the head that the file lacks is the one tensor there that the network
// does not know and that could be it.
void rename_head(NamedTensors& tensors, const Graph& graph) {
  std::set<std::string_view> known;
  for (const ParameterSpec& spec : graph.parameters()) known.insert(spec.name);
  const std::vector<std::string> head = head_parameters(graph);
  for (const ParameterSpec& spec : graph.parameters()) {
    if (tensors.contains(spec.name) || std::ranges::find(head, spec.name) == head.end()) continue;
    const auto could_be = [&](const auto& item) {
      return !known.contains(item.first) && differ_in_first_axis_at_most(item.second.shape(), spec.shape);
    };
    const auto found = std::ranges::find_if(tensors, could_be);
    if (found == tensors.end() || std::ranges::count_if(tensors, could_be) > 1) continue;
    auto item = tensors.extract(found);
    item.key() = spec.name;
    tensors.insert(std::move(item));
  }
}

// The number of classes in the file, where a parameter of the network differs from it in nothing else.
std::optional<int64_t> other_classes(const Shape& own, const Shape& stored, int64_t classes) {
  if (!differ_in_first_axis_at_most(own, stored) || own[0] != classes || own == stored) return std::nullopt;
  return stored[0];
}

}  // namespace

Transfer transfer_weights(Model& model, const std::filesystem::path& path) {
  Transfer result;
  NamedTensors tensors;
  if (std::optional<Model> network = read_network(path)) {
    result.preprocessing = network->preprocessing;
    tensors = tensors_of(std::move(*network));
  } else {
    tensors = read_weights(path, model.graph());
  }

  rename_head(tensors, model.graph());
  const int64_t classes = model.graph().node(model.graph().output_node()).shape.back();
  NamedShapes shapes;
  for (const auto& [name, tensor] : tensors) shapes.emplace(name, tensor.shape());
  for (const ParameterSpec& spec : model.graph().parameters()) {
    const auto found = shapes.find(spec.name);
    if (found == shapes.end()) continue;
    const std::optional<int64_t> stored = other_classes(spec.shape, found->second, classes);
    if (!stored || (result.classes != 0 && result.classes != *stored)) continue;
    result.head.push_back(spec.name);
    result.classes = *stored;
    found->second = spec.shape;  // nothing to complain about
  }
  check_weights(shapes, model.graph(), "", printable(path));
  const std::set<std::string_view> head(result.head.begin(), result.head.end());
  for (size_t i = 0; i < model.parameters().size(); ++i) {
    const std::string& name = model.graph().parameters()[i].name;
    if (!head.contains(name)) std::ranges::copy(tensors.at(name).values(), model.parameters()[i].data());
  }
  return result;
}

std::vector<std::string> head_parameters(const Graph& graph) {
  for (size_t i = graph.nodes().size(); i-- > 0;) {
    std::vector<std::string> names;
    for (const int parameter : graph.nodes()[i].parameters) {
      const ParameterSpec& spec = graph.parameters()[static_cast<size_t>(parameter)];
      if (spec.trainable) names.push_back(spec.name);
    }
    if (!names.empty()) return names;
  }
  return {};
}

}  // namespace fovea
