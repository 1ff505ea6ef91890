#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/op.h"

// A network as data: a static graph of named nodes. Shapes, parameters, cost and receptive field are known, and
// errors reported, when a node is added. Shapes here are for a batch of one, {1, H, W, C}; a session sets the batch.
namespace fovea {

class Graph;

// A node's output, as builders pass it around. Valid while its graph lives and stays where it is.
class Value {
 public:
  Value() = default;
  Value(Graph* graph, int node) : graph_(graph), node_(node) {}

  Graph& graph() const { return *graph_; }
  int node() const { return node_; }
  const Shape& shape() const;
  const std::string& name() const;

 private:
  Graph* graph_ = nullptr;
  int node_ = -1;
};

// Where in a graph new nodes go, and the prefix of their names: Scope(graph) / "layer1" / "conv1" is "layer1.conv1".
class Scope {
 public:
  Scope(Graph& graph) : graph_(&graph) {}  // NOLINT(google-explicit-constructor): a graph is its own root scope
  Scope operator/(std::string_view name) const;

  Graph& graph() const { return *graph_; }
  const std::string& path() const { return path_; }

 private:
  Graph* graph_;
  std::string path_;
};

struct Node {
  std::string name;
  std::shared_ptr<const Op> op;  // null: an input of the network
  std::vector<int> inputs;       // node indices, all smaller than this node's own
  std::vector<int> parameters;   // indices into Graph::parameters
  Shape shape;                   // of the output, batch of one
};

// An output that training alone looks at: `weight` times its loss is added to that of the network's output, as with the
// auxiliary classifiers of GoogLeNet (Szegedy et al. 2015, section 5). Sessions do not compute it unless asked to.
struct AuxiliaryOutput {
  int node;
  double weight;
};

struct Cost {
  int64_t parameters = 0;     // trainable elements
  int64_t multiply_adds = 0;  // for one sample
};

// Extent of the input that one element of a value sees, and how far apart neighbours' fields are (pixels of the
// network's input, per spatial axis; rounded up where they are less than whole pixels, after upsampling). `whole`:
// everything.
struct ReceptiveField {
  std::vector<int64_t> extent;
  std::vector<int64_t> jump;
  bool whole = false;
};

class Graph {
 public:
  Graph() = default;
  // For passes that rewrite a graph: nodes in an order in which every input comes before its readers.
  Graph(std::deque<Node> nodes, std::vector<ParameterSpec> parameters, int output);

  // Adds an input of shape {1, sample...}. Throws Error(format) when the name is taken or an extent is not positive.
  Value input(const std::string& name, const Shape& sample);
  // Adds a node. An empty name is replaced by the op's type, unique beside its first input.
  // Throws Error(format) naming the node when shapes do not fit or the name is taken.
  Value add(const std::string& name, std::shared_ptr<const Op> op, const std::vector<Value>& inputs);

  // What the network returns. Defaults to the last node added.
  void set_output(Value value) { output_ = value.node(); }
  Value output() { return {this, output_}; }
  int output_node() const { return output_; }
  // Throws Error(usage) unless the weight is finite.
  void add_auxiliary_output(Value value, double weight);
  const std::vector<AuxiliaryOutput>& auxiliary_outputs() const { return auxiliary_; }

  const std::deque<Node>& nodes() const { return nodes_; }
  const Node& node(int index) const { return nodes_[static_cast<size_t>(index)]; }
  const std::vector<ParameterSpec>& parameters() const { return parameters_; }  // full names, in order of creation
  std::vector<int> inputs() const;

  bool contains(std::string_view name) const { return index_.contains(name); }
  // Index of the node of that name. Throws Error(usage) suggesting the nearest name.
  int find(std::string_view name) const;
  Value value(std::string_view name) { return {this, find(name)}; }

  Cost cost(int index) const;
  Cost total_cost() const;
  ReceptiveField receptive_field(int index) const;
  std::vector<ReceptiveField> receptive_fields() const;  // of every node

 private:
  Value append(Node node);
  std::string unique_name(const Op& op, const std::vector<Value>& inputs) const;
  std::vector<ReceptiveField> receptive_fields(size_t count) const;  // of the first nodes

  std::deque<Node> nodes_;                         // builders look at nodes while they add others: these never move
  std::map<std::string, int, std::less<>> index_;  // of each node, by name
  std::vector<ParameterSpec> parameters_;
  int output_ = -1;
  std::vector<AuxiliaryOutput> auxiliary_;
};

}  // namespace fovea
