#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fovea/onnx.h"

namespace fovea {

// How the axes of a value of the network lie: its axis k is axis order[k] of the file.
using Order = std::vector<int>;
Order plain_order(int rank);          // {0, 1, 2, ...}: as in the file
Order channels_last_order(int rank);  // {0, 2, 3, ..., 1}: channels last
Order inverse(const Order& order);    // axis order[k] becomes axis k
// The place of the file's axis in the value.
int place(const Order& order, int axis);

// A value of the ONNX graph: what is known of it, and in which orders the network has it.
struct Operand {
  std::string name;
  DType type = DType::f32;
  std::vector<int64_t> dims{};                    // in the file's order
  std::shared_ptr<OnnxArray> constant{};          // known at import
  bool trainable = false;                         // a constant that is a weight
  std::vector<std::pair<Order, Value>> values{};  // the first is the one that was computed
  std::string turned_by{};                        // the node that gave it another order, if one did

  int rank() const { return static_cast<int>(dims.size()); }
  bool is_constant() const { return constant != nullptr; }
  // The order to go on in: the one the value was computed in; the file's for a constant.
  Order order() const { return values.empty() ? plain_order(rank()) : values.front().first; }
};

}  // namespace fovea
