#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/graph.h"
#include "fovea/preprocessing.h"
#include "fovea/tensor.h"

namespace fovea {

// How weights are filled before training; biases start at zero, scales at one.
enum class Initializer {
  he_normal,       // N(0, 2 / fan_in), He et al. 2015: for ReLU
  xavier_uniform,  // U(-a, a), a = sqrt(6 / (fan_in + fan_out)), Glorot & Bengio 2010: for tanh, sigmoid
};

// A network with its parameters, and what is needed to use it on pictures.
class Model {
 public:
  Model() = default;
  // Parameters are filled by `initializer` from `seed`.
  explicit Model(Graph graph, uint64_t seed = 0, Initializer initializer = Initializer::he_normal);

  // Takes the parameters as they are, in the order of graph.parameters(). Throws Error(usage) unless shapes agree.
  Model(Graph graph, std::vector<Tensor> parameters);

  const Graph& graph() const { return graph_; }

  // In the order of graph().parameters().
  std::vector<Tensor>& parameters() { return parameters_; }
  const std::vector<Tensor>& parameters() const { return parameters_; }
  // Throws Error(usage) suggesting the nearest name.
  Tensor& parameter(std::string_view name);
  const Tensor& parameter(std::string_view name) const;

  void initialize(uint64_t seed, Initializer initializer);

  Preprocessing preprocessing;
  std::vector<std::string> class_names;

 private:
  Graph graph_;
  std::vector<Tensor> parameters_;
};

}  // namespace fovea
