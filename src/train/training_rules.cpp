#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <cmath>

#include "fovea/error.h"
#include "fovea/optim.h"

namespace fovea {

namespace {

// The trainable parameters whose names match.
std::vector<size_t> matches(const Graph& graph, const std::string& pattern) {
  std::vector<size_t> found;
  for (size_t i = 0; i < graph.parameters().size(); ++i) {
    const ParameterSpec& spec = graph.parameters()[i];
    if (spec.trainable && fnmatch(pattern.c_str(), spec.name.c_str(), 0) == 0) found.push_back(i);
  }
  if (found.empty()) {
    throw Error(ErrorKind::usage, fmt::format("no parameter that is trained matches '{}'; names are like '{}'", pattern,
                                              graph.parameters().empty() ? "" : graph.parameters().front().name));
  }
  return found;
}

}  // namespace

std::vector<ParameterScale> parameter_scales(const Graph& graph, const TrainingRules& rules) {
  std::vector<ParameterScale> scales(graph.parameters().size());
  for (size_t i = 0; i < scales.size(); ++i) {
    scales[i].trained = graph.parameters()[i].trainable;
    if (rules.decay_weights_only && graph.parameters()[i].shape.rank() < 2) scales[i].decay = 0;
  }
  for (const LayerRate& rule : rules.rates) {
    if (!(rule.factor >= 0) || !std::isfinite(rule.factor)) {
      throw Error(ErrorKind::usage, fmt::format("the learning rate of '{}' must be a factor of at least 0, got {}",
                                                rule.pattern, rule.factor));
    }
    for (const size_t i : matches(graph, rule.pattern)) scales[i].rate *= rule.factor;
  }
  for (const std::string& pattern : rules.frozen) {
    for (const size_t i : matches(graph, pattern)) scales[i].trained = false;
  }
  const bool any = std::ranges::any_of(scales, [](const ParameterScale& scale) { return scale.trained; });
  if (!any && !rules.frozen.empty())
    throw Error(ErrorKind::usage, "all parameters are frozen: nothing is left to train");
  return scales;
}

}  // namespace fovea
