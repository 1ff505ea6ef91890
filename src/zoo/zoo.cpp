#include "fovea/zoo.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "core/suggest.h"
#include "fovea/error.h"
#include "zoo/networks.h"

namespace fovea::zoo {

const std::vector<ZooEntry>& list() {
  static const std::vector<ZooEntry> entries = [] {
    std::vector<ZooEntry> all;
#define FOVEA_NAME_FAMILY(family) family,
    for (auto* const family : {FOVEA_ZOO_FAMILIES(FOVEA_NAME_FAMILY)}) {
#undef FOVEA_NAME_FAMILY
      for (ZooEntry& entry : family()) all.push_back(std::move(entry));
    }
    for (ZooEntry& entry : all) entry.accuracy = published_accuracy(entry.name);
    return all;
  }();
  return entries;
}

const ZooEntry& find(std::string_view name) {
  const auto entry = std::ranges::find(list(), name, &ZooEntry::name);
  if (entry != list().end()) return *entry;
  std::vector<std::string> names;
  for (const ZooEntry& known : list()) names.emplace_back(known.name);
  throw Error(ErrorKind::usage,
              fmt::format("unknown model '{}'{} ('fovea zoo' lists them)", name, did_you_mean(name, names)));
}

Graph build(std::string_view name, const ZooOptions& options) {
  const ZooEntry& entry = find(name);
  const Shape& input = options.input.rank() == 0 ? entry.input : options.input;
  if (input.rank() != 3 || input.elements() == 0) {
    throw Error(ErrorKind::usage,
                fmt::format("model '{}': the input must be height x width x channels, such as {}, got {}", name,
                            to_string(entry.input), to_string(input)));
  }
  if (options.classes < 0) {
    throw Error(ErrorKind::usage, fmt::format("model '{}': classes must be 1 or more, got {}", name, options.classes));
  }
  if (!(options.width > 0 && options.width <= 16)) {
    throw Error(ErrorKind::usage,
                fmt::format("model '{}': the width must be above 0 and at most 16, got {}", name, options.width));
  }
  if (options.width != 1 && !entry.has_width) {
    throw Error(ErrorKind::usage, fmt::format("model '{}' comes in one width: leave the option out", name));
  }
  if (options.aux_logits && !entry.has_aux_logits) {
    throw Error(ErrorKind::usage, fmt::format("model '{}' has no auxiliary heads: leave aux_logits out", name));
  }
  ZooOptions complete = options;
  complete.input = input;
  if (complete.classes == 0) complete.classes = entry.classes;
  Graph graph;
  const Value x = graph.input("input", input);
  try {
    graph.set_output(entry.build(graph, x, complete));
  } catch (const Error& error) {
    throw Error(error.kind(), fmt::format("model '{}' does not fit an input of {} (its own is {}): {}", name,
                                          to_string(input), to_string(entry.input), error.what()));
  }
  return graph;
}

Model create(std::string_view name, const ZooOptions& options, uint64_t seed, std::optional<Initializer> initializer) {
  const ZooEntry& entry = find(name);
  Model model(build(name, options), seed, initializer.value_or(entry.initializer));
  if (entry.start != nullptr) entry.start(model);
  return model;
}

}  // namespace fovea::zoo
