// Sums, means and extremes over axes.
#include <algorithm>
#include <array>
#include <string>

#include "io/onnx/array.h"
#include "io/onnx/op_imports.h"
#include "ops/checks.h"

namespace fovea {

namespace {

// The axes that are reduced, as flags.
std::vector<bool> reduced_axes(NodeImport& node) {
  const Operand& x = node.input(0);
  const std::vector<int64_t> axes = node.integers_from(1, "axes");
  std::vector<bool> reduced(x.dims.size(), axes.empty() && node.integer("noop_with_empty_axes", 0) == 0);
  for (const int64_t axis : axes) reduced[static_cast<size_t>(normal_axis(axis, x.rank()))] = true;
  return reduced;
}

// The order of what is left when axes go.
Order remaining_order(const Order& order, const std::vector<bool>& gone) {
  Order left;
  for (const int axis : order) {
    if (gone[static_cast<size_t>(axis)]) continue;
    left.push_back(axis - static_cast<int>(std::count(gone.begin(), gone.begin() + axis, true)));
  }
  return left;
}

struct Reduction {
  std::vector<int64_t> axes;  // of the value
  std::vector<int64_t> dims;
  Order order;
  bool keep;
};

Reduction read(NodeImport& node) {
  const Operand& x = node.input(0);
  const std::vector<bool> reduced = reduced_axes(node);
  Reduction r{.axes = {}, .dims = {}, .order = x.order(), .keep = node.integer("keepdims", 1) != 0};
  for (int axis = 0; axis < x.rank(); ++axis) {
    const bool gone = reduced[static_cast<size_t>(axis)];
    if (gone) r.axes.push_back(place(r.order, axis));
    if (!gone || r.keep) r.dims.push_back(gone ? 1 : x.dims[static_cast<size_t>(axis)]);
  }
  std::ranges::sort(r.axes);
  if (!r.keep) r.order = remaining_order(r.order, reduced);
  return r;
}

void import_reduction(NodeImport& node, const char* op) {
  Operand& x = node.input(0);
  const Reduction r = read(node);
  if (r.axes.empty()) return node.alias(0, x);
  const Value in = node.network().in_order(x, x.order());
  node.output(0, r.dims, r.order, node.add(op, {{"axes", r.axes}, {"keep", r.keep}}, {in}));
}

// Sums of a function of x and functions of sums.
void import_composed(NodeImport& node) {
  Operand& x = node.input(0);
  const Reduction r = read(node);
  require(!r.axes.empty(), "a reduction over no axes is not supported");
  const std::string& op = node.op();
  const Attributes over = {{"axes", r.axes}, {"keep", r.keep}};
  Value y = node.network().in_order(x, x.order());
  if (op == "ReduceL1") y = node.step("abs", "abs", {}, {y});
  if (op == "ReduceL2" || op == "ReduceSumSquare") y = node.step("square", "multiply", {}, {y, y});
  const bool last = op == "ReduceL1" || op == "ReduceSumSquare";
  y = last ? node.add("reduce_sum", over, {y}) : node.step("sum", "reduce_sum", over, {y});
  if (op == "ReduceL2") y = node.add("sqrt", {}, {y});
  if (op == "ReduceLogSum") y = node.add("log", {}, {y});
  node.output(0, r.dims, r.order, y);
}

// log sum e^x as m + log sum e^(x - m) with m the largest: no power overflows.
void import_log_sum_exp(NodeImport& node) {
  Operand& x = node.input(0);
  const Reduction r = read(node);
  require(!r.axes.empty(), "a reduction over no axes is not supported");
  const Attributes over = {{"axes", r.axes}, {"keep", true}};
  const Value in = node.network().in_order(x, x.order());
  const Value largest = node.step("largest", "reduce_max", over, {in});
  const Value powers = node.step("exp", "exp", {}, {node.step("below", "subtract", {}, {in, largest})});
  const Value sum = node.step("log", "log", {}, {node.step("sum", "reduce_sum", over, {powers})});
  const Value y = node.add("add", {}, {sum, largest});
  std::vector<int64_t> extents;
  for (const int axis : r.order) extents.push_back(r.dims[static_cast<size_t>(axis)]);
  node.output(0, r.dims, r.order, node.network().reshape(node.name() + ".shape", y, extents));
}

void import_reduce_mean(NodeImport& node) { import_reduction(node, "reduce_mean"); }
void import_reduce_sum(NodeImport& node) { import_reduction(node, "reduce_sum"); }
void import_reduce_max(NodeImport& node) { import_reduction(node, "reduce_max"); }
void import_reduce_min(NodeImport& node) { import_reduction(node, "reduce_min"); }

// The place of the largest element along an axis; of the smallest, that of the negated value.
void import_arg(NodeImport& node) {
  Operand& x = node.input(0);
  const int axis = normal_axis(node.integer("axis", 0), x.rank());
  const bool keep = node.integer("keepdims", 1) != 0;
  const Order order = x.order();
  Value in = node.network().in_order(x, order);
  if (node.op() == "ArgMin") in = node.step("negative", "negate", {}, {in});
  const Attributes attributes = {
      {"axis", int64_t{place(order, axis)}}, {"keep", keep}, {"last", node.integer("select_last_index", 0) != 0}};
  std::vector<int64_t> dims = x.dims;
  std::vector<bool> gone(dims.size(), false);
  gone[static_cast<size_t>(axis)] = true;
  dims[static_cast<size_t>(axis)] = 1;
  if (!keep) dims.erase(dims.begin() + axis);
  node.output(0, dims, keep ? order : remaining_order(order, gone), node.add("arg_max", attributes, {in}), DType::i64);
}

constexpr std::array imports = {
    OpImport{"ArgMax", import_arg},
    OpImport{"ArgMin", import_arg},
    OpImport{"ReduceL1", import_composed, Layout::any, 0b10},
    OpImport{"ReduceL2", import_composed, Layout::any, 0b10},
    OpImport{"ReduceLogSum", import_composed, Layout::any, 0b10},
    OpImport{"ReduceLogSumExp", import_log_sum_exp, Layout::any, 0b10},
    OpImport{"ReduceSumSquare", import_composed, Layout::any, 0b10},
    OpImport{"ReduceMax", import_reduce_max, Layout::any, 0b10},
    OpImport{"ReduceMean", import_reduce_mean, Layout::any, 0b10},
    OpImport{"ReduceMin", import_reduce_min, Layout::any, 0b10},
    OpImport{"ReduceSum", import_reduce_sum, Layout::any, 0b10},
};

}  // namespace

std::span<const OpImport> reduce_imports() { return imports; }

}  // namespace fovea
