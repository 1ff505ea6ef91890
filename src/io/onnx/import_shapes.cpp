// Other extents, or another order, for the same elements.
#include <algorithm>
#include <array>

#include "io/onnx/array.h"
#include "io/onnx/evaluate.h"
#include "io/onnx/op_imports.h"
#include "ops/checks.h"

namespace fovea {

namespace {

// Axes of the input and of the output that hold the same elements: [N, C, H, W] -> [N, 2, C/2, H W] has {N}{N},
// {C}{2, C/2} and {H, W}{H W}.
struct Group {
  std::vector<int> from, to;
};

std::vector<Group> groups(const std::vector<int64_t>& from, const std::vector<int64_t>& to) {
  std::vector<Group> groups;
  size_t i = 0, j = 0;
  while (i < from.size() || j < to.size()) {
    Group group;
    int64_t before = 1, after = 1;
    const auto take_from = [&] {
      before *= from[i];
      group.from.push_back(static_cast<int>(i++));
    };
    const auto take_to = [&] {
      after *= to[j];
      group.to.push_back(static_cast<int>(j++));
    };
    if (i < from.size()) take_from();
    if (j < to.size() && (!group.from.empty() || i == from.size())) take_to();
    while (before != after) {
      if (before < after ? i == from.size() : j == to.size()) return {};
      before < after ? take_from() : take_to();
    }
    groups.push_back(std::move(group));
  }
  return groups;
}

// Where every group's input axes lie together and in turn in the value (axes of extent 1 aside), the groups can stay
// where they are: the order of the output's axes then.
std::optional<Order> order_through(const std::vector<int64_t>& from, const Order& order,
                                   const std::vector<int64_t>& to) {
  std::vector<Group> parts = groups(from, to);
  if (parts.empty()) return std::nullopt;
  const auto first_place = [&](const Group& group) {
    for (const int axis : group.from) {
      if (from[static_cast<size_t>(axis)] != 1) return place(order, axis);
    }
    return group.from.empty() ? static_cast<int>(order.size()) : place(order, group.from[0]);
  };
  std::ranges::stable_sort(parts, {}, first_place);
  Order was, becomes;
  for (const Group& part : parts) {
    for (const int axis : part.from) {
      if (from[static_cast<size_t>(axis)] != 1) was.push_back(axis);
    }
    becomes.insert(becomes.end(), part.to.begin(), part.to.end());
  }
  Order lies;
  for (const int axis : order) {
    if (from[static_cast<size_t>(axis)] != 1) lies.push_back(axis);
  }
  return was == lies ? std::optional(becomes) : std::nullopt;
}

// The same elements under other dims.
void reshape(NodeImport& node, const std::vector<int64_t>& dims) {
  Operand& x = node.input(0);
  GraphImport& network = node.network();
  if (Shape(dims).elements() == 0) return node.output(0, make_array(x.type, Shape(dims)));
  const int rank = static_cast<int>(dims.size());
  if (dims == x.dims) return node.alias(0, x);
  // A picture to a row per sample: what flatten does.
  const bool picture = x.rank() > 2 && x.order() == channels_last_order(x.rank());
  if (picture && rank == 2 && dims[0] == x.dims[0]) {
    const Value value = network.in_order(x, x.order());
    return node.output(0, dims, plain_order(2), node.add("flatten", {}, {value}));
  }
  Order from = x.order();
  std::optional<Order> order = order_through(x.dims, from, dims);
  if (!order) {
    from = plain_order(x.rank());
    order = plain_order(rank);
  }
  std::vector<int64_t> extents;
  for (const int axis : *order) extents.push_back(dims[static_cast<size_t>(axis)]);
  node.output(0, dims, *order, network.reshape(node.name(), network.in_order(x, from), extents));
}

void import_reshape(NodeImport& node) {
  const std::vector<int64_t> wanted = node.integers_from(1, "shape");
  reshape(node, reshaped_dims(node.input(0).dims, wanted, node.integer("allowzero", 0) != 0));
}

void import_flatten(NodeImport& node) { reshape(node, flattened_dims(node.input(0).dims, node.integer("axis", 1))); }

void import_squeeze(NodeImport& node) {
  reshape(node, squeezed_dims(node.input(0).dims, node.integers_from(1, "axes")));
}

void import_unsqueeze(NodeImport& node) {
  reshape(node, unsqueezed_dims(node.input(0).dims, node.integers_from(1, "axes")));
}

// Costs nothing here: the value is only told to lie in another order.
void import_transpose(NodeImport& node) {
  const Operand& x = node.input(0);
  std::vector<int64_t> perm = node.integers("perm");
  if (perm.empty()) {
    for (int axis = x.rank(); axis-- > 0;) perm.push_back(axis);
  }
  std::vector<int64_t> sorted = perm;
  std::ranges::sort(sorted);
  for (size_t i = 0; i < sorted.size(); ++i) {
    require(sorted[i] == static_cast<int64_t>(i) && sorted.size() == x.dims.size(),
            "perm must name each axis of {} once", to_string(Shape(x.dims)));
  }
  Operand turned{.name = x.name, .type = x.type, .turned_by = node.name()};
  for (const int64_t axis : perm) turned.dims.push_back(x.dims[static_cast<size_t>(axis)]);
  for (const auto& [order, value] : x.values) {
    Order renamed;
    for (const int axis : order) renamed.push_back(static_cast<int>(std::ranges::find(perm, axis) - perm.begin()));
    turned.values.emplace_back(renamed, value);
  }
  node.alias(0, turned);
}

constexpr std::array imports = {
    OpImport{"Flatten", import_flatten},
    OpImport{"Reshape", import_reshape, Layout::any, 0b10},
    OpImport{"Squeeze", import_squeeze, Layout::any, 0b10},
    OpImport{"Transpose", import_transpose},
    OpImport{"Unsqueeze", import_unsqueeze, Layout::any, 0b10},
};

}  // namespace

std::span<const OpImport> shape_imports() { return imports; }

}  // namespace fovea
