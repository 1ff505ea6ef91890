#include "fovea/lookup_ops.h"
#include "fovea/ops.h"
#include "op_case_builders.h"

namespace fovea::testing {

namespace {

OpCase grid_case(const std::string& name, const GridSampleOptions& options) {
  const auto sample = [=](Value x, Value grid) { return grid_sample(x, grid, options); };
  return binary(name, sample, {5, 4, 3}, {3, 2, 2}, {{}, Draw::uniform(-1.3, 1.3)});
}

}  // namespace

std::vector<OpCase> lookup_op_cases() {
  const auto by = [](int64_t axis) { return [=](Value x, Value i) { return gather(x, i, axis); }; };
  return {
      unary(
          "arg_max", [](Value x) { return arg_max(x, 3); }, {3, 4, 5}, Draw::distinct()),
      unary(
          "arg_max_keep", [](Value x) { return arg_max(x, 1, true, true); }, {6, 5}, Draw::distinct()),
      batch_of(1, binary("gather", by(2), {4, 7, 3}, {5}, {{}, Draw::classes(7)})),
      batch_of(1, binary("gather_pairs", by(1), {6, 2}, {2, 3}, {{}, Draw::classes(6)})),
      grid_case("grid_sample", {}),
      grid_case("grid_sample_cubic", {.method = GridInterpolation::cubic, .align_corners = true}),
      grid_case("grid_sample_border", {.padding = GridPadding::border}),
      grid_case("grid_sample_nearest", {.method = GridInterpolation::nearest, .padding = GridPadding::reflection}),
      straight_through(unary("round", round, {4, 7, 3}, Draw::uniform(-4, 4))),
      binary("matrix_product", matrix_product, {3, 4, 5}, {3, 5, 2}),
      binary("matrix_product_rows", matrix_product, {4, 7}, {7, 3}),
      {.name = "parameter",
       .build =
           [](Graph& graph) {
             return parameter(Scope(graph) / "p", {1, 3, 4});
           }},
  };
}

}  // namespace fovea::testing
