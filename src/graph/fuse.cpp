#include "graph/fuse.h"

#include <algorithm>
#include <utility>

#include "ops/byte_op.h"
#include "ops/expanded.h"
#include "ops/fused.h"

namespace fovea {

namespace {

class Fuser {
 public:
  Fuser(const Graph& graph, const std::vector<Shape>& shapes, const std::vector<bool>& kept, bool training)
      : graph_(graph), shapes_(shapes), kept_(kept), training_(training), nodes_(graph.nodes()) {}

  Graph run() {
    drop_identities();
    count_readers();
    for (int i = 0; i < count(); ++i) {
      if (!gone(i) && node(i).op) extend(i);
    }
    for (int i = 0; !training_ && i < count(); ++i) {
      if (!gone(i) && node(i).op) widen(i);
    }
    return rebuilt();
  }

 private:
  int count() const { return static_cast<int>(nodes_.size()); }
  Node& node(int i) { return nodes_[static_cast<size_t>(i)]; }
  bool gone(int i) const { return replaced_by_[static_cast<size_t>(i)] != i; }

  void drop_identities() {
    for (int i = 0; i < count(); ++i) {
      replaced_by_.push_back(i);
      for (int& input : node(i).inputs) input = replaced_by_[static_cast<size_t>(input)];
      if (!node(i).op || kept_[static_cast<size_t>(i)] || !node(i).op->is_identity(training_)) continue;
      const int input = node(i).inputs[0];
      if (node(input).shape == node(i).shape) replaced_by_.back() = input;
    }
  }

  void count_readers() {
    readers_.resize(nodes_.size());
    for (int i = 0; i < count(); ++i) {
      if (gone(i)) continue;
      for (const int input : node(i).inputs) readers_[static_cast<size_t>(input)].push_back(i);
    }
  }

  Signature signature(const Node& of, const Shape& output) const {
    Signature result;
    for (const int input : of.inputs) result.inputs.push_back(shapes_[static_cast<size_t>(input)]);
    result.output = output;
    return result;
  }

  // Joins the ops that follow node `first` to it, as far as its kernels go. The chain takes the place of its last op,
  // where all its inputs are known.
  void extend(int first) {
    auto chain = std::make_shared<const FusedOp>(node(first).op, training_);
    for (int last = first;;) {
      const std::vector<int>& readers = readers_[static_cast<size_t>(last)];
      if (kept_[static_cast<size_t>(last)] || readers.size() != 1) return;
      const int next = readers[0];
      if (!is_first_input(last, next)) return;
      auto longer = chain->extended(node(next).op, signature(node(next), shapes_[static_cast<size_t>(next)]));
      if (!longer) return;
      join(last, next);
      node(next).op = chain = std::move(longer);
      last = next;
    }
  }

  // Joins the depthwise convolution that follows a pointwise one to it.
  void widen(int first) {
    const std::vector<int>& readers = readers_[static_cast<size_t>(first)];
    if (kept_[static_cast<size_t>(first)] || readers.size() != 1 || node(readers[0]).inputs.size() != 1) return;
    const int next = readers[0];
    if (auto both = ExpandedOp::make(node(first).op, node(next).op, signature(node(first), {}).inputs)) {
      join(first, next);
      node(next).op = std::move(both);
    }
  }

  // Whether `next` does to `last` what join() says; a residual of bytes is the second input.
  bool is_first_input(int last, int next) {
    const ByteOp* const bytes = as_byte_op(*node(next).op);
    return node(next).inputs[0] == last || bytes == nullptr || !bytes->byte_input(1);
  }

  // Node `next` takes over the inputs and parameters of `last`, one of its inputs.
  void join(int last, int next) {
    Node& a = node(last);
    Node& b = node(next);
    std::vector<int> inputs = a.inputs;
    for (const int input : b.inputs) {
      if (input != last) inputs.push_back(input);
    }
    b.inputs = std::move(inputs);
    b.parameters.insert(b.parameters.begin(), a.parameters.begin(), a.parameters.end());
    for (const int input : a.inputs) std::ranges::replace(readers_[static_cast<size_t>(input)], last, next);
    replaced_by_[static_cast<size_t>(last)] = next;
  }

  Graph rebuilt() {
    std::vector<int> place(nodes_.size(), -1);
    std::deque<Node> left;
    for (int i = 0; i < count(); ++i) {
      if (gone(i)) continue;
      for (int& input : node(i).inputs) input = place[static_cast<size_t>(input)];
      place[static_cast<size_t>(i)] = static_cast<int>(left.size());
      left.push_back(node(i));
    }
    return Graph(std::move(left), graph_.parameters(), place[static_cast<size_t>(graph_.output_node())]);
  }

  const Graph& graph_;
  const std::vector<Shape>& shapes_;
  const std::vector<bool>& kept_;
  bool training_;
  std::deque<Node> nodes_;
  std::vector<int> replaced_by_;  // itself while it is there
  std::vector<std::vector<int>> readers_;
};

}  // namespace

Graph fuse(const Graph& graph, const std::vector<Shape>& shapes, const std::vector<bool>& kept, bool training) {
  return Fuser(graph, shapes, kept, training).run();
}

}  // namespace fovea
