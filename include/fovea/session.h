#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/model.h"

namespace fovea {

class Plan;

// How gradients pass backward through ReLUs (relu, relu6), for pictures of what a network looks at.
enum class ReluBackward {
  gradient,   // the function's own: dx = dy where it lets x through, else 0
  guided,     // dx = dy where it lets x through and dy > 0 (Springenberg et al. 2015, guided backpropagation)
  deconvnet,  // dx = dy where dy > 0, whatever x (Zeiler and Fergus 2014)
};

struct SessionOptions {
  int64_t batch = 1;
  bool training = false;                 // batch statistics and dropout on
  std::string differentiate{};           // node whose gradient backward computes (the loss); empty: no backward
  bool parameter_gradients = true;       // with differentiate: gradients of all trainable parameters
  std::vector<std::string> gradients{};  // with differentiate: nodes whose gradients are kept
  std::vector<std::string> keep{};       // nodes whose activations are kept; the output always is
  uint64_t seed = 0;                     // of dropout
  bool reference = false;                // run the naive specification of every op instead of the fast kernels
  ReluBackward relu_backward = ReluBackward::gradient;
};

// What one node of the compiled graph does in a step, and the time it takes.
struct NodeProfile {
  std::string node;
  std::string op;                      // its type
  Shape output;                        // with the batch
  std::string algorithm;               // as Kernel::algorithm says
  int64_t forward_multiply_adds = 0;   // of the whole batch
  int64_t backward_multiply_adds = 0;  // as many as forward's for the input gradient, and for the weight gradient
  double forward_seconds = 0;
  double backward_seconds = 0;  // zero where nothing runs backward
};

// A graph compiled for one batch size and mode: kernels prepared, weights packed, every buffer placed in one arena by
// liveness. After construction a step allocates nothing.
// A model that is not handed over must outlive the session and keep its parameters where they are.
class Session {
 public:
  // Throws Error(usage) for batch < 1 or an unknown node, Error(format) when shapes do not fit.
  Session(Model& model, const SessionOptions& options);
  // The same for another graph over the model's parameters (by name), such as one with a loss added.
  Session(Model& model, const Graph& graph, const SessionOptions& options);
  // For inference alone, with the least memory: the session keeps the model, and frees each weight once the kernel that
  // runs on it has its own packed copy. Throws also Error(usage) for options.training or options.differentiate.
  Session(Model&& model, const SessionOptions& options);
  ~Session();
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;

  const Shape& shape(std::string_view node) const;  // with the session's batch

  // Where to write the elements of an input before forward(). They stay until overwritten.
  std::span<float> input(std::string_view name);
  void forward();
  // Gradients of the differentiated node, seeded with ones, or with `seed` (its shape). Call after forward().
  void backward();
  void backward(std::span<const float> seed);

  std::span<const float> output() const;
  // Throws Error(usage) for a node that was not asked to be kept.
  std::span<const float> activation(std::string_view name) const;
  std::span<const float> gradient(std::string_view name) const;
  // Gradient of the model's parameter i, in its shape; empty for one that is not trained.
  std::span<const float> parameter_gradient(size_t parameter) const;

  // The model; where it was handed over, weights that were freed are empty.
  const Model& model() const;
  // To be called after parameter values were changed from outside. Throws Error(usage) where the model was handed over.
  void parameters_changed();
  // Position of the random numbers that dropout draws; forward() does not advance it.
  void set_step(uint64_t step);

  // Runs forward again, node by node; the name of the first node whose output has a NaN or an infinity. Where the model
  // was handed over, nodes that were fused are looked at as one, by the name of the last.
  std::optional<std::string> find_non_finite();

  // Runs forward, and backward where the session has one, and times every node. Nodes that fusing or folding left
  // without a kernel of their own are not listed.
  std::vector<NodeProfile> profile();

  size_t arena_bytes() const;

 private:
  std::unique_ptr<Plan> plan_;
};

}  // namespace fovea
