#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "fovea/compress.h"
#include "fovea/error.h"

namespace fovea {

namespace {

constexpr uint8_t zero = 255;  // the cluster of weights that are zero
constexpr int most_rounds = 100;

// Centroids of sorted values by Lloyd's algorithm; in one dimension a cluster is a range between two midpoints.
std::vector<double> k_means(const std::vector<float>& sorted, int clusters) {
  std::vector<double> sums(sorted.size() + 1);
  for (size_t i = 0; i < sorted.size(); ++i) sums[i + 1] = sums[i] + sorted[i];
  std::vector<double> centroids;
  const double low = sorted.front();
  const double high = sorted.back();
  for (int k = 0; k < clusters; ++k) centroids.push_back(low + (high - low) * (k + 0.5) / clusters);
  for (int round = 0; round < most_rounds; ++round) {
    bool moved = false;
    size_t begin = 0;
    for (size_t k = 0; k < centroids.size(); ++k) {
      const bool last = k + 1 == centroids.size();
      const double edge = last ? 0 : (centroids[k] + centroids[k + 1]) / 2;
      const auto end =
          last ? sorted.size() : static_cast<size_t>(std::ranges::upper_bound(sorted, edge) - sorted.begin());
      const size_t stop = std::max(begin, end);
      if (stop > begin) {
        const double mean = (sums[stop] - sums[begin]) / static_cast<double>(stop - begin);
        moved = moved || mean != centroids[k];
        centroids[k] = mean;
      }
      begin = stop;
    }
    if (!moved) break;
  }
  return centroids;
}

uint8_t nearest(const std::vector<double>& centroids, double value) {
  const auto above = std::ranges::lower_bound(centroids, value);
  if (above == centroids.begin()) return 0;
  const auto k = above - centroids.begin();
  const bool lower = above == centroids.end() || value - centroids[k - 1] <= centroids[k] - value;
  return static_cast<uint8_t>(lower ? k - 1 : k);
}

}  // namespace

WeightSharing::WeightSharing(Model& model, int clusters) : shared_(model.parameters().size()) {
  if (clusters < 1 || clusters > 255) {
    throw Error(ErrorKind::usage, fmt::format("clusters must be between 1 and 255, got {}", clusters));
  }
  for (size_t i = 0; i < shared_.size(); ++i) {
    const Tensor& parameter = model.parameters()[i];
    if (parameter.shape().rank() < 2) continue;
    std::vector<float> sorted;
    std::ranges::copy_if(parameter.values(), std::back_inserter(sorted), [](float x) { return x != 0; });
    if (sorted.empty()) continue;
    std::ranges::sort(sorted);
    const std::vector<double> centroids = k_means(sorted, clusters);
    shared_[i].clusters = clusters;
    for (const float weight : parameter.values()) {
      shared_[i].cluster.push_back(weight == 0 ? zero : nearest(centroids, weight));
    }
  }
  (*this)(model);
}

void WeightSharing::operator()(Model& model) const {
  for (size_t i = 0; i < shared_.size(); ++i) {
    const Shared& shared = shared_[i];
    const std::span<float> values = model.parameters()[i].values();
    std::vector<double> sums(static_cast<size_t>(shared.clusters));
    std::vector<int64_t> counts(sums.size());
    for (size_t j = 0; j < shared.cluster.size(); ++j) {
      if (shared.cluster[j] == zero) continue;
      sums[shared.cluster[j]] += values[j];
      ++counts[shared.cluster[j]];
    }
    for (size_t j = 0; j < shared.cluster.size(); ++j) {
      const uint8_t k = shared.cluster[j];
      values[j] = k == zero ? 0.0F : static_cast<float>(sums[k] / static_cast<double>(counts[k]));
    }
  }
}

}  // namespace fovea
