#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "fovea/compress.h"
#include "fovea/error.h"

namespace fovea {

namespace {

constexpr double most_of_a_layer = 0.99;

bool is_weight(const Tensor& parameter) { return parameter.shape().rank() > 1; }

// The k-th smallest magnitude, from 0; negative where k < 0.
float magnitude_at(std::vector<float> magnitudes, int64_t k) {
  if (k < 0) return -1;
  std::ranges::nth_element(magnitudes, magnitudes.begin() + k);
  return magnitudes[static_cast<size_t>(k)];
}

std::vector<float> magnitudes_of(const Tensor& weights) {
  std::vector<float> magnitudes;
  for (const float weight : weights.values()) magnitudes.push_back(std::abs(weight));
  return magnitudes;
}

int64_t share(double fraction, int64_t count) {
  return static_cast<int64_t>(std::floor(fraction * static_cast<double>(count)));
}

}  // namespace

WeightCount count_weights(const Model& model) {
  WeightCount count;
  for (const Tensor& parameter : model.parameters()) {
    if (!is_weight(parameter)) continue;
    count.all += parameter.size();
    count.nonzero += parameter.size() - std::ranges::count(parameter.values(), 0.0F);
  }
  return count;
}

Pruning::Pruning(Model& model, double sparsity) : pruned_(model.parameters().size()) {
  if (!(sparsity >= 0 && sparsity < 1)) {
    throw Error(ErrorKind::usage, fmt::format("the sparsity must be at least 0 and below 1, got {}", sparsity));
  }
  std::vector<float> all;
  for (const Tensor& parameter : model.parameters()) {
    if (!is_weight(parameter)) continue;
    const std::vector<float> magnitudes = magnitudes_of(parameter);
    all.insert(all.end(), magnitudes.begin(), magnitudes.end());
  }
  const int64_t wanted = share(sparsity, std::ssize(all));
  const float threshold = magnitude_at(std::move(all), wanted - 1);
  int64_t left = wanted;
  for (size_t i = 0; i < pruned_.size(); ++i) {
    const Tensor& parameter = model.parameters()[i];
    if (!is_weight(parameter)) continue;
    const int64_t most = share(most_of_a_layer, parameter.size());
    const float limit = std::min(threshold, magnitude_at(magnitudes_of(parameter), most - 1));
    int64_t room = std::min(left, most);
    pruned_[i].resize(static_cast<size_t>(parameter.size()));
    // Weights below the limit first, so that equals of it fill what room they leave.
    for (const bool equal : {false, true}) {
      for (size_t j = pruned_[i].size(); j-- > 0 && room > 0;) {
        const float magnitude = std::abs(parameter.values()[j]);
        if (pruned_[i][j] || !(equal ? magnitude == limit : magnitude < limit)) continue;
        pruned_[i][j] = true;
        --room;
        --left;
      }
    }
  }
  (*this)(model);
}

void Pruning::operator()(Model& model) const {
  for (size_t i = 0; i < pruned_.size(); ++i) {
    const std::span<float> values = model.parameters()[i].values();
    for (size_t j = 0; j < pruned_[i].size(); ++j) {
      if (pruned_[i][j]) values[j] = 0;
    }
  }
}

}  // namespace fovea
