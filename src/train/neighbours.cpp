#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "fovea/error.h"
#include "fovea/features.h"
#include "fovea/ops.h"
#include "fovea/session.h"

namespace fovea {

namespace {

// Rows brought to length 1.
Tensor normalised(const Tensor& rows) {
  Tensor result = rows;
  const auto length = static_cast<size_t>(rows.shape().back());
  for (size_t at = 0; at < result.values().size(); at += length) {
    const std::span<float> row = result.values().subspan(at, length);
    double squares = 0;
    for (const float x : row) squares += static_cast<double>(x) * x;
    if (squares == 0) continue;
    for (float& x : row) x = static_cast<float>(x / std::sqrt(squares));
  }
  return result;
}

std::vector<Neighbour> highest(std::span<const float> similarities, int64_t k) {
  std::vector<int64_t> order(similarities.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  const auto count = std::min(k, std::ssize(order));
  const auto at = [&](int64_t i) { return similarities[static_cast<size_t>(i)]; };
  std::ranges::partial_sort(order, order.begin() + count,
                            [&](int64_t a, int64_t b) { return at(a) != at(b) ? at(a) > at(b) : a < b; });
  std::vector<Neighbour> best;
  for (int64_t i = 0; i < count; ++i)
    best.push_back({order[static_cast<size_t>(i)], at(order[static_cast<size_t>(i)])});
  return best;
}

}  // namespace

std::vector<std::vector<Neighbour>> nearest_neighbours(const Tensor& items, const Tensor& queries, int64_t k) {
  if (items.empty() || queries.empty() || items.shape().rank() != 2 || queries.shape().rank() != 2 ||
      items.shape()[1] != queries.shape()[1]) {
    throw Error(ErrorKind::usage, fmt::format("neighbours of {} among {}: expected vectors of one length",
                                              to_string(queries.shape()), to_string(items.shape())));
  }
  if (k < 1) throw Error(ErrorKind::usage, fmt::format("neighbours must be at least 1, got {}", k));
  const int64_t count = items.shape()[0];
  const int64_t asked = queries.shape()[0];
  const int64_t length = items.shape()[1];
  // All products of queries with items are a dense layer that has the items as its weights {N, F}.
  Graph graph;
  dense(Scope(graph) / "items", graph.input("query", Shape{length}), count, false);
  std::vector<Tensor> weights;
  weights.push_back(normalised(items));
  const int64_t batch = std::min<int64_t>(64, asked);
  Session session(Model(std::move(graph), std::move(weights)), {.batch = batch});

  const Tensor unit_queries = normalised(queries);
  const std::span<float> input = session.input("query");
  std::vector<std::vector<Neighbour>> found(static_cast<size_t>(asked));
  for (int64_t first = 0; first < asked; first += batch) {
    const int64_t rows = std::min(batch, asked - first);
    std::ranges::copy(
        unit_queries.values().subspan(static_cast<size_t>(first * length), static_cast<size_t>(rows * length)),
        input.begin());
    session.forward();
    for (int64_t i = 0; i < rows; ++i) {
      found[static_cast<size_t>(first + i)] =
          highest(session.output().subspan(static_cast<size_t>(i * count), static_cast<size_t>(count)), k);
    }
  }
  return found;
}

int64_t vote(std::span<const Neighbour> neighbours, std::span<const int64_t> labels) {
  std::map<int64_t, int64_t> votes;
  for (const Neighbour& neighbour : neighbours) ++votes[labels[static_cast<size_t>(neighbour.item)]];
  int64_t best = -1;
  for (const Neighbour& neighbour : neighbours) {
    const int64_t label = labels[static_cast<size_t>(neighbour.item)];
    if (best < 0 || votes[label] > votes[best]) best = label;
  }
  return best;
}

}  // namespace fovea
