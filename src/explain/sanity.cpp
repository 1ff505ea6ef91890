#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include "explain/attribution.h"
#include "fovea/error.h"
#include "fovea/explain_checks.h"

namespace fovea::explain {

namespace {

// Nodes with weights that the score depends on, the last first.
std::vector<int> weighted_layers(const Graph& graph, int scored) {
  const std::vector<bool> before = ancestors(graph, scored);
  std::vector<int> layers;
  for (int i = scored; i >= 0; --i) {
    if (before[static_cast<size_t>(i)] && has_weights(graph, i)) layers.push_back(i);
  }
  return layers;
}

std::vector<double> ranks(const Tensor& values) {
  std::vector<int64_t> order(static_cast<size_t>(values.size()));
  std::iota(order.begin(), order.end(), int64_t{0});
  std::ranges::stable_sort(order, {}, [&](int64_t i) { return values[i]; });
  std::vector<double> result(order.size());
  for (size_t first = 0; first < order.size();) {
    size_t end = first + 1;
    while (end < order.size() && values[order[end]] == values[order[first]]) ++end;
    for (size_t i = first; i < end; ++i) {
      result[static_cast<size_t>(order[i])] = static_cast<double>(first + end - 1) / 2;
    }
    first = end;
  }
  return result;
}

Tensor magnitudes(Tensor map) {
  for (float& value : map.values()) value = std::abs(value);
  return map;
}

}  // namespace

double rank_correlation(const Tensor& a, const Tensor& b) {
  if (a.size() != b.size()) {
    throw Error(ErrorKind::usage,
                fmt::format("maps to compare must have equal sizes, got {} and {} values", a.size(), b.size()));
  }
  const std::vector<double> x = ranks(a);
  const std::vector<double> y = ranks(b);
  const double mean = static_cast<double>(a.size() - 1) / 2;
  double xy = 0;
  double xx = 0;
  double yy = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    xy += (x[i] - mean) * (y[i] - mean);
    xx += (x[i] - mean) * (x[i] - mean);
    yy += (y[i] - mean) * (y[i] - mean);
  }
  return xx > 0 && yy > 0 ? xy / std::sqrt(xx * yy) : 0;
}

std::vector<Randomised> randomise_weights(const Probe& probe, const Tensor& x, const Score& score, const Mapper& mapper,
                                          int stages, uint64_t seed) {
  if (stages < 1) throw Error(ErrorKind::usage, fmt::format("randomising needs at least 1 stage, got {}", stages));
  Model model = probe.model();
  const Graph& graph = model.graph();
  const std::vector<int> layers = weighted_layers(graph, scored_node(probe, score));
  if (layers.empty()) throw Error(ErrorKind::usage, "there are no weights to randomise");
  Probe changing(model, probe.batch());
  const Tensor trained = magnitudes(mapper(changing, x, score));
  const Model fresh(graph, seed);
  std::vector<Randomised> results;
  size_t done = 0;
  for (int stage = 1; stage <= stages; ++stage) {
    const size_t end = layers.size() * static_cast<size_t>(stage) / static_cast<size_t>(stages);
    if (end == done) continue;
    for (; done < end; ++done) {
      for (const int p : graph.node(layers[done]).parameters) {
        const auto at = static_cast<size_t>(p);
        model.parameters()[at] = fresh.parameters()[at];
      }
    }
    Probe randomised(model, probe.batch());
    const Tensor map = magnitudes(mapper(randomised, x, score));
    results.push_back({graph.node(layers[done - 1]).name, rank_correlation(trained, map)});
  }
  return results;
}

}  // namespace fovea::explain
