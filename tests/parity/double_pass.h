#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fovea/model.h"
#include "fovea/op.h"

// One training pass of a graph in double precision, by the naive specification of every op.
namespace fovea {

class DoublePass {
 public:
  // Inputs and parameters are converted; the graph's must be the model's, by name.
  DoublePass(const Model& model, const Graph& graph, int64_t batch);

  std::vector<double>& input(const std::string& name) { return node(name).value; }
  const std::vector<double>& value(const std::string& name) { return node(name).value; }
  const std::vector<double>& gradient(const std::string& name) { return node(name).gradient; }
  // Of the graph's parameter i.
  const std::vector<double>& parameter_gradient(size_t i) const { return parameter_gradients_[i]; }

  // Forward, then gradients of the graph's output with respect to everything.
  void run();

 private:
  struct NodeState {
    Signature shapes;
    std::vector<double> value, gradient, saved;
    bool has_gradient = false;
  };

  NodeState& node(const std::string& name) { return nodes_[static_cast<size_t>(graph_.find(name))]; }
  void forward(size_t i);
  void backward(size_t i);

  const Graph& graph_;
  std::vector<NodeState> nodes_;
  std::vector<std::vector<double>> parameters_, parameter_gradients_;
};

}  // namespace fovea
