#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fovea/session.h"
#include "graph/memory_planner.h"
#include "graph/slices.h"
#include "ops/byte_op.h"

namespace fovea {

constexpr int no_buffer = -1;

// One node's place in the plan. Buffer numbers index Plan::requests until addresses are known.
struct PlannedNode {
  Shape shape;
  int source = -1;            // the node whose buffers this one uses: itself, or its input when it is an identity
  bool needed = false;        // reaches the output
  bool has_gradient = false;  // lies between something to differentiate by and the differentiated node
  std::unique_ptr<Kernel> kernel;
  Slice slice;         // its place in a wider value
  bool bytes = false;  // its value lies in memory as bytes: see ops/byte_op.h
  int value = no_buffer;
  int gradient = no_buffer;
  int saved = no_buffer;
  int scratch_forward = no_buffer;
  int scratch_backward = no_buffer;
  // Where backward puts the gradient of each input: its gradient buffer, or a spare one that is then added to it.
  std::vector<int> input_gradients;
  std::vector<bool> add_gradient;

  // What the kernels see, filled once addresses are known.
  std::vector<const float*> inputs;
  std::vector<float*> parameters;
  std::vector<float*> input_gradient_pointers;
  std::vector<float*> parameter_gradients;
  Step<float> forward_step;
  Step<float> backward_step;

  // Whether backward has anything to compute here; not where the gradient asked for is that of the node itself alone.
  bool gives_gradients() const {
    const auto wanted = [](const float* pointer) { return pointer != nullptr; };
    return kernel && has_gradient &&
           (std::ranges::any_of(input_gradient_pointers, wanted) || std::ranges::any_of(parameter_gradients, wanted));
  }
};

// A graph made ready to run: what Session hides.
class Plan {
 public:
  Plan(Model& model_, const Graph& graph_, const SessionOptions& options_, bool fused = true);

  // Of a model of its own, whose weights it frees where kernels copy them.
  Plan(std::unique_ptr<Model> taken, const SessionOptions& options_);

  // The layout alone: no memory is taken, and it cannot run.
  Plan(const Graph& graph_, const SessionOptions& options_);

  void load_parameters();
  void free_weight(int node);
  void forward_node(PlannedNode& node);
  void backward();
  void backward_node(int i);  // which gives gradients

  int count() const { return static_cast<int>(nodes.size()); }
  PlannedNode& at(int node) { return nodes[static_cast<size_t>(node)]; }
  // The node whose buffers hold this node's value and gradient.
  PlannedNode& home(int node) { return at(at(node).source); }
  int forward_time(int node) const { return node; }
  int backward_time(int node) const { return 2 * count() - 1 - node; }
  int end_of_time() const { return 2 * count(); }

  void compile(bool fused);
  void lay_out(bool fused);
  void bind_parameters();
  void share_identities();
  void mark_needed();
  void mark_gradients();
  bool gradient_wanted(int node) const { return std::ranges::find(gradient_roots, node) != gradient_roots.end(); }
  void prepare_kernels();
  void find_bytes();
  const ByteOp* byte_op(int node);  // that the node's kernel is to be of; null: one of floats
  size_t value_floats(int node);
  std::unique_ptr<Kernel> prepare_kernel(int node, const Signature& signature, const PrepareOptions& prepare);
  void find_slices();
  void request_values();
  int request_value(int node, int last);
  void share_wider_values(const std::vector<int>& last_use);
  void request_gradients();
  int request(size_t floats, int first, int last);
  void bind_addresses();
  float* address(int buffer);
  float* value_address(int node);
  std::span<float> value_span(int node);  // of one that is no slice
  std::span<float> gradient_span(int node);

  std::unique_ptr<Model> owned;  // null: somebody else's
  Model& model;
  SessionOptions options;
  std::map<std::string, Shape, std::less<>> shapes;  // of every node of the graph as it was given
  Graph original;                                    // as it was given
  Graph graph;                                       // with fused ops
  std::vector<size_t> parameter_index;               // graph parameter -> model parameter
  int output = -1;
  int differentiated = -1;
  std::vector<int> kept;            // nodes whose value must survive the step
  std::vector<int> gradient_roots;  // nodes whose gradient must survive the step
  std::vector<PlannedNode> nodes;
  std::vector<BufferRequest> requests;
  MemoryPlan memory;
  Tensor arena;
  std::vector<Tensor> parameter_gradients;  // by model parameter
  uint64_t step_number = 0;
};

}  // namespace fovea
