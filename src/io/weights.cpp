#include "io/weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <vector>

#include "fovea/error.h"
#include "fovea/model_file.h"
#include "fovea/tensor_file.h"
#include "io/json.h"
#include "io/keras.h"

namespace fovea {

namespace {

// "a", "b" and 3 more
std::string list_names(const std::vector<std::string>& names) {
  constexpr size_t shown = 5;
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), shown); ++i) text += (i > 0 ? ", " : "") + names[i];
  return names.size() > shown ? text + fmt::format(" and {} more", names.size() - shown) : text;
}

bool is_left_by_training(std::string_view name) {
  return name.starts_with("optimizer.") || name.ends_with("num_batches_tracked");
}

// Keeps what begins with the prefix, without it.
void keep_below(std::vector<StoredTensor>& tensors, const std::string& prefix) {
  std::erase_if(tensors, [&](const StoredTensor& tensor) { return !tensor.name.starts_with(prefix); });
  for (StoredTensor& tensor : tensors) tensor.name.erase(0, prefix.size());
}

// What stands before most of the network's names in the file: "model.", say. Of several the shortest, then the first.
std::string common_prefix(const std::vector<StoredTensor>& tensors, const Graph& graph) {
  std::set<std::string_view> wanted;
  for (const ParameterSpec& spec : graph.parameters()) wanted.insert(spec.name);
  std::map<std::string_view, size_t> found;  // prefix -> names
  for (const StoredTensor& tensor : tensors) {
    const std::string_view name = tensor.name;
    for (size_t begin = 0, dot = 0; dot != std::string_view::npos; begin = dot + 1) {
      if (wanted.contains(name.substr(begin))) ++found[name.substr(0, begin)];
      dot = name.find('.', begin);
    }
  }
  std::string_view best;
  size_t most = 0;
  for (const auto& [prefix, count] : found) {
    if (count < most || (count == most && prefix.size() >= best.size())) continue;
    best = prefix;
    most = count;
  }
  return std::string(best);
}

}  // namespace

void check_weights(const NamedShapes& tensors, const Graph& graph, const std::string& skip, const std::string& source) {
  const auto skipped = [&](const std::string& name) { return !skip.empty() && name.starts_with(skip); };
  std::vector<std::string> missing;
  std::vector<std::string> mismatched;
  std::vector<std::string> unexpected;
  std::set<std::string_view> known;
  for (const ParameterSpec& spec : graph.parameters()) {
    known.insert(spec.name);
    if (skipped(spec.name)) continue;
    const auto tensor = tensors.find(spec.name);
    if (tensor == tensors.end()) {
      missing.push_back(quote_name(spec.name));
    } else if (tensor->second != spec.shape) {
      mismatched.push_back(fmt::format("{} ({} in the file, {} in the network)", quote_name(spec.name),
                                       to_string(tensor->second), to_string(spec.shape)));
    }
  }
  for (const auto& [name, shape] : tensors) {
    if (!known.contains(name) && !skipped(name) && !is_left_by_training(name)) unexpected.push_back(quote_name(name));
  }
  std::string why;
  const auto add = [&](const char* what, const std::vector<std::string>& names) {
    if (!names.empty()) why += fmt::format("{}{}: {}", why.empty() ? "" : "; ", what, list_names(names));
  };
  add("missing", missing);
  add("unexpected", unexpected);
  add("of another shape", mismatched);
  if (!why.empty()) {
    throw Error(ErrorKind::format, fmt::format("{}: the weights do not fit the network; {}", source, why));
  }
}

std::vector<StoredTensor> state_dict(const TensorFile& file) {
  if (file.format == "HDF5") return keras_weights(file.tensors);
  std::vector<StoredTensor> tensors = file.tensors;
  keep_below(tensors, file.state_dict);
  const auto is_parallel = [](const StoredTensor& tensor) { return tensor.name.starts_with("module."); };
  if (std::ranges::all_of(tensors, is_parallel)) keep_below(tensors, "module.");
  return tensors;
}

std::vector<StoredTensor> network_weights(const TensorFile& file, const Graph& graph) {
  std::vector<StoredTensor> tensors = state_dict(file);
  keep_below(tensors, common_prefix(tensors, graph));
  return tensors;
}

void load_weights(Model& model, const std::filesystem::path& path, const LoadWeightsOptions& options) {
  const TensorFile file = open_tensor_file(path);
  const std::vector<StoredTensor> tensors = network_weights(file, model.graph());
  NamedShapes shapes;
  std::map<std::string_view, const StoredTensor*> stored;
  for (const StoredTensor& tensor : tensors) {
    shapes.emplace(tensor.name, tensor.shape);
    stored.emplace(tensor.name, &tensor);
  }
  check_weights(shapes, model.graph(), options.skip, file.source);
  for (size_t i = 0; i < model.parameters().size(); ++i) {
    const std::string& name = model.graph().parameters()[i].name;
    if (!options.skip.empty() && name.starts_with(options.skip)) continue;
    model.parameters()[i] = file.read_f32(*stored.at(name));
  }
}

}  // namespace fovea
