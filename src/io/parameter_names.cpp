#include "io/parameter_names.h"

#include <fmt/format.h>

#include <set>
#include <string_view>

#include "fovea/error.h"

namespace fovea {

std::string default_parameter_name(const std::string& node, const std::string& own) {
  return own.empty() ? node : fmt::format("{}.{}", node, own);
}

Graph with_parameter_names(const Graph& graph, const std::vector<std::string>& names) {
  std::vector<ParameterSpec> specs = graph.parameters();
  std::set<std::string_view> seen;
  for (size_t i = 0; i < specs.size(); ++i) {
    if (names[i].empty() || !seen.insert(names[i]).second) {
      throw Error(ErrorKind::format, fmt::format("parameter '{}' cannot be named '{}': the name is {}", specs[i].name,
                                                 names[i], names[i].empty() ? "empty" : "taken"));
    }
    specs[i].name = names[i];
  }
  Graph named(graph.nodes(), std::move(specs), graph.output_node());
  for (const AuxiliaryOutput& output : graph.auxiliary_outputs()) {
    named.add_auxiliary_output({&named, output.node}, output.weight);
  }
  return named;
}

}  // namespace fovea
