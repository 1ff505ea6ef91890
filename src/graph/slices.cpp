#include "graph/slices.h"

#include <algorithm>

namespace fovea {

namespace {

class SliceFinder {
 public:
  SliceFinder(const Graph& graph, const std::vector<Shape>& shapes, const std::vector<int>& sources,
              const std::vector<bool>& needed, const std::vector<bool>& kept)
      : graph_(graph), shapes_(shapes), sources_(sources), kept_(kept), readers_(shapes.size()) {
    for (int i = 0; i < count(); ++i) {
      if (!needed[index(i)] || source(i) != i) continue;
      const std::vector<int>& inputs = graph.node(i).inputs;
      for (size_t k = 0; k < inputs.size(); ++k) readers_[index(source(inputs[k]))].push_back({i, k});
    }
    // Values that share their memory with a kept one, or with one of another shape, are kept.
    for (int i = 0; i < count(); ++i) {
      if (kept_[index(i)] || shapes[index(i)] != shapes[index(source(i))]) kept_[index(source(i))] = true;
    }
  }

  // From the last concatenation to the first, so that the whole is known when its slices' own slices are found.
  std::vector<Slice> find() {
    std::vector<Slice> slices(shapes_.size());
    for (int i = count() - 1; i >= 0; --i) {
      const Node& node = graph_.node(i);
      if (!node.op || !node.op->joins_channels() || source(i) != i) continue;
      const Slice& own = slices[index(i)];
      Slice slice = own ? own : Slice{i, 0, shapes_[index(i)].back()};
      for (size_t k = 0; k < node.inputs.size(); ++k) {
        const int input = source(node.inputs[k]);
        if (!slices[index(input)] && can_be_slice(input, {i, k})) slices[index(input)] = slice;
        slice.channel += shapes_[index(node.inputs[k])].back();
      }
    }
    return slices;
  }

 private:
  struct Reader {
    int node;
    size_t input;
    bool operator==(const Reader&) const = default;
  };

  static size_t index(int node) { return static_cast<size_t>(node); }
  int count() const { return static_cast<int>(shapes_.size()); }
  int source(int node) const { return sources_[index(node)]; }

  bool can_be_slice(int value, const Reader& concatenation) const {
    const Node& node = graph_.node(value);
    if (!node.op || kept_[index(value)]) return false;
    Signature signature;
    for (const int input : node.inputs) signature.inputs.push_back(shapes_[index(input)]);
    signature.output = shapes_[index(value)];
    return node.op->writes_slices(signature) && std::ranges::all_of(readers_[index(value)], [&](const Reader& reader) {
             return reader == concatenation || graph_.node(reader.node).op->reads_slices(reader.input);
           });
  }

  const Graph& graph_;
  const std::vector<Shape>& shapes_;
  const std::vector<int>& sources_;
  std::vector<bool> kept_;
  std::vector<std::vector<Reader>> readers_;  // of every value
};

}  // namespace

std::vector<Slice> find_slices(const Graph& graph, const std::vector<Shape>& shapes, const std::vector<int>& sources,
                               const std::vector<bool>& needed, const std::vector<bool>& kept) {
  return SliceFinder(graph, shapes, sources, needed, kept).find();
}

}  // namespace fovea
