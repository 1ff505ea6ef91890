#include "fovea/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/suggest.h"
#include "fovea/error.h"
#include "fovea/parallel.h"
#include "fovea/random.h"

namespace fovea {

namespace {

void fill(const ParameterSpec& spec, Tensor& tensor, const Random& random, Initializer initializer) {
  if (spec.fill != Fill::weight) {
    const double value = spec.fill == Fill::constant ? spec.value : spec.fill == Fill::ones ? 1 : 0;
    std::ranges::fill(tensor.values(), static_cast<float>(value));
    return;
  }
  const auto fan_in = static_cast<float>(spec.fan_in);
  const auto fan_out = static_cast<float>(spec.fan_out);
  const float deviation = std::sqrt(2.0F / fan_in);
  const float limit = std::sqrt(6.0F / (fan_in + fan_out));
  constexpr int64_t grain = 1 << 14;
  parallel_for(tensor.size(), grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const auto at = static_cast<uint64_t>(i);
      tensor[i] = initializer == Initializer::he_normal ? deviation * random.normal(at)
                                                        : limit * (2.0F * random.uniform(at) - 1.0F);
    }
  });
}

}  // namespace

Model::Model(Graph graph, uint64_t seed, Initializer initializer) : graph_(std::move(graph)) {
  for (const ParameterSpec& spec : graph_.parameters()) parameters_.emplace_back(spec.shape);
  initialize(seed, initializer);
}

Model::Model(Graph graph, std::vector<Tensor> parameters)
    : graph_(std::move(graph)), parameters_(std::move(parameters)) {
  const auto same_shape = [](const Tensor& tensor, const ParameterSpec& spec) { return tensor.shape() == spec.shape; };
  if (!std::ranges::equal(parameters_, graph_.parameters(), same_shape)) {
    throw Error(ErrorKind::usage, "the parameters do not have the shapes that the network asks for");
  }
}

void Model::initialize(uint64_t seed, Initializer initializer) {
  for (size_t i = 0; i < parameters_.size(); ++i) {
    fill(graph_.parameters()[i], parameters_[i], Random(seed, i), initializer);
  }
}

const Tensor& Model::parameter(std::string_view name) const {
  std::vector<std::string> names;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (graph_.parameters()[i].name == name) return parameters_[i];
    names.push_back(graph_.parameters()[i].name);
  }
  throw Error(ErrorKind::usage, fmt::format("the network has no parameter '{}'{}", name, did_you_mean(name, names)));
}

Tensor& Model::parameter(std::string_view name) { return const_cast<Tensor&>(std::as_const(*this).parameter(name)); }

}  // namespace fovea
