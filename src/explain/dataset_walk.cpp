#include "explain/dataset_walk.h"

#include <fmt/format.h>

#include <algorithm>

#include "fovea/error.h"

namespace fovea::explain {

std::vector<int64_t> spread_items(int64_t size, int64_t max_items) {
  if (max_items < 0) throw Error(ErrorKind::usage, fmt::format("cannot look through {} pictures", max_items));
  const int64_t count = max_items == 0 ? size : std::min(size, max_items);
  std::vector<int64_t> items;
  for (int64_t i = 0; i < count; ++i) items.push_back(i * size / count);
  return items;
}

void walk(Model& model, const std::shared_ptr<const Dataset>& dataset, const std::vector<int64_t>& items,
          const std::vector<std::string>& layers, int64_t batch,
          const std::function<void(Session&, int64_t, int64_t)>& read) {
  const Graph& graph = model.graph();
  const Preprocessing& p = model.preprocessing;
  const std::vector<int> inputs = graph.inputs();
  if (batch < 1) throw Error(ErrorKind::usage, fmt::format("a batch must be at least 1, got {}", batch));
  if (inputs.size() != 1 || !(graph.node(inputs[0]).shape == Shape{1, p.height, p.width, p.channels})) {
    throw Error(ErrorKind::usage, "the network does not take the pictures that its preprocessing gives");
  }
  Session session(model, {.batch = batch, .keep = layers});
  const std::span<float> input = session.input(graph.node(inputs[0]).name);
  Loader loader(dataset, p, items, {.batch_size = batch});
  int64_t done = 0;
  while (const Batch* pictures = loader.next()) {
    std::ranges::copy(pictures->images.values(), input.begin());
    session.forward();
    for (int64_t row = 0; row < pictures->count; ++row) read(session, items[static_cast<size_t>(done++)], row);
  }
}

}  // namespace fovea::explain
