#pragma once

#include <string>
#include <vector>

#include "fovea/quantize.h"

namespace fovea {

// Which values of a network become bytes, and the network in which they are.
class QuantizedGraph {
 public:
  explicit QuantizedGraph(const Model& model);

  // Nodes whose values are to share a map to bytes, by the name that they have in the model.
  const std::vector<std::vector<std::string>>& groups() const { return groups_; }

  // With a map for each group.
  QuantizedModel build(const std::vector<Quantization>& maps) const;

 private:
  friend class QuantizedGraphBuilder;

  const Node& node(int i) const { return model_.graph().node(i); }
  int source(int value) const;  // the value that identities pass on
  void find_layers();
  void find_bytes();
  void find_groups();
  int root(int value) const;

  const Model& model_;
  std::vector<bool> is_layer_;    // to be computed on bytes
  std::vector<int> folded_;       // of each layer: the batch norm or scale that is folded in; -1: none
  std::vector<int> folded_into_;  // of each such norm: the layer; -1: of all other nodes
  std::vector<bool> is_bytes_;    // of each value: it is needed as bytes
  std::vector<int> leader_;       // of each value: one that shares its map, up to the root
  std::vector<std::vector<std::string>> groups_;
  std::vector<int> group_of_;  // by root
  std::vector<std::string> kept_;
};

}  // namespace fovea
