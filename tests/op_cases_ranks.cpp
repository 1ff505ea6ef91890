// Windows over sequences {L, C} and volumes {D, H, W, C}, transposed convolutions, and other ops on such inputs.
#include "fovea/ops.h"
#include "op_cases.h"

namespace fovea::testing {

namespace {

using Layer = std::function<Value(Value)>;

OpCase layer(const std::string& name, const Shape& sample, const Layer& build, Draw draw = {}) {
  return {.name = name, .build = [=](Graph& graph) { return build(graph.input("x", sample)); }, .draws = {draw}};
}

OpCase conv_case(const std::string& name, const Shape& sample, const ConvOptions& options) {
  return layer(name, sample, [=](Value x) { return conv(Scope(x.graph()) / "conv", x, options); });
}

OpCase convt_case(const std::string& name, const Shape& sample, const ConvTransposeOptions& options) {
  return layer(name, sample, [=](Value x) { return conv_transpose(Scope(x.graph()) / "convt", x, options); });
}

OpCase max_pool_case(const std::string& name, const Shape& sample, const PoolOptions& options) {
  return layer(
      name, sample, [=](Value x) { return max_pool(x, options); }, Draw::distinct());
}

OpCase avg_pool_case(const std::string& name, const Shape& sample, const PoolOptions& options) {
  return layer(name, sample, [=](Value x) { return avg_pool(x, options); });
}

OpCase adaptive_case(const std::string& name, const Shape& sample, const Extents& output) {
  return layer(name, sample, [=](Value x) { return adaptive_avg_pool(Scope(x.graph()) / "pool", x, output); });
}

// What the layer makes of its input, plus a shortcut, through an activation.
OpCase fused_case(const std::string& name, const Shape& sample, const Layer& build, const Layer& activation) {
  OpCase result = layer(name, sample, [=](Value x) {
    const Value y = build(x);
    return activation(add(x.graph().input("shortcut", y.shape().without_batch()), y));
  });
  result.draws.clear();
  result.tolerance = 1e-5;
  return result;
}

OpCase tolerance(double tolerance, OpCase op_case) {
  op_case.tolerance = tolerance;
  return op_case;
}

OpCase speed(OpCase op_case) {
  op_case.speed = true;
  return op_case;
}

OpCase training(OpCase op_case) {
  op_case.training = true;
  return op_case;
}

Value norm(Value x) { return batch_norm(Scope(x.graph()) / "bn", x); }
Value fully(Value x) { return dense(Scope(x.graph()) / "fc", x, 5); }

void add_sequences(std::vector<OpCase>& cases) {
  cases.insert(
      cases.end(),
      {conv_case("conv_1d", {9, 3}, {.filters = 4, .kernel = 3, .padding = 1}),
       conv_case("conv_1d_options", {14, 6},
                 {.filters = 4,
                  .kernel = 3,
                  .stride = 2,
                  .padding = Padding::sides(2, 1),
                  .dilation = 2,
                  .groups = 2,
                  .bias = false}),
       conv_case("conv_1d_same", {10, 5}, {.filters = 18, .kernel = 4, .stride = 3, .padding = Padding::same()}),
       conv_case("conv_1d_depthwise", {11, 19}, {.filters = 19, .kernel = 5, .padding = 2, .groups = 19}),
       conv_case("conv_1d_direct", {700, 2}, {.filters = 5, .kernel = 7, .padding = 3}),
       speed(conv_case("conv_1d_long", {500, 40}, {.filters = 48, .kernel = 9, .stride = 2, .padding = 4})),
       fused_case(
           "fused_conv_1d", {12, 19},
           [](Value x) { return conv(Scope(x.graph()) / "conv", x, {.filters = 35, .kernel = 3}); }, relu),
       max_pool_case("max_pool_1d", {9, 3}, {.kernel = 2}),
       max_pool_case("max_pool_1d_ceil", {12, 5}, {.kernel = 3, .stride = 2, .padding = 1, .ceil_mode = true}),
       avg_pool_case("avg_pool_1d", {10, 6}, {.kernel = 3, .stride = 2, .padding = 1}),
       avg_pool_case("avg_pool_1d_same", {10, 17},
                     {.kernel = 4, .stride = 3, .padding = Padding::same(), .count_include_pad = false}),
       layer("global_avg_pool_1d", {7, 3}, global_avg_pool),
       layer("global_max_pool_1d", {7, 3}, global_max_pool, Draw::distinct()),
       adaptive_case("adaptive_avg_pool_1d", {11, 3}, 4), training(layer("batch_norm_1d_training", {9, 3}, norm)),
       layer("flatten_1d", {5, 3}, flatten), layer("dense_1d", {5, 3}, fully)});
}

void add_volumes(std::vector<OpCase>& cases) {
  cases.insert(
      cases.end(),
      {conv_case("conv_3d", {4, 5, 6, 3}, {.filters = 4, .kernel = 3, .padding = 1}),
       conv_case(
           "conv_3d_unequal", {5, 6, 7, 3},
           {.filters = 4, .kernel = {2, 3, 1}, .stride = {2, 1, 3}, .padding = Padding::sides({1, 0, 0}, {0, 2, 1})}),
       conv_case("conv_3d_options", {5, 4, 3, 8},
                 {.filters = 12,
                  .kernel = 2,
                  .stride = {1, 2, 1},
                  .padding = {1, 0, 1},
                  .dilation = {3, 1, 2},
                  .groups = 4,
                  .bias = false}),
       conv_case("conv_3d_same", {5, 4, 6, 3},
                 {.filters = 4, .kernel = {4, 3, 2}, .stride = 2, .padding = Padding::same()}),
       conv_case("conv_3d_stride_beyond_kernel", {7, 5, 6, 3}, {.filters = 4, .kernel = 2, .stride = 3}),
       conv_case("conv_3d_groups_of_4", {4, 5, 5, 12}, {.filters = 12, .kernel = 3, .padding = 1, .groups = 3}),
       conv_case("conv_3d_depthwise", {4, 5, 6, 19}, {.filters = 19, .kernel = 3, .padding = 1, .groups = 19}),
       conv_case("conv_3d_1x1", {3, 4, 5, 7}, {.filters = 18}),
       conv_case("conv_3d_one_plane", {1, 5, 6, 3}, {.filters = 4, .kernel = 3, .padding = 1}),
       conv_case("conv_3d_every_other_plane", {7, 3, 4, 3}, {.filters = 4, .stride = {2, 1, 1}}),
       tolerance(1e-5, conv_case("conv_3d_planes", {3, 13, 11, 35},
                                 {.filters = 19, .kernel = {1, 3, 3}, .padding = {0, 1, 1}})),
       speed(conv_case("conv_3d_many", {6, 12, 13, 24}, {.filters = 40, .kernel = 3, .padding = 1})),
       fused_case(
           "fused_conv_3d", {4, 5, 6, 7},
           [](Value x) { return conv(Scope(x.graph()) / "conv", x, {.filters = 19, .kernel = 2}); },
           [](Value x) { return tanh(x); }),
       max_pool_case("max_pool_3d", {4, 5, 6, 3}, {.kernel = 2}),
       max_pool_case("max_pool_3d_overlap", {5, 6, 7, 17}, {.kernel = 3, .stride = 2, .padding = 1}),
       max_pool_case("max_pool_3d_ceil", {6, 5, 7, 3}, {.kernel = 3, .stride = 2, .ceil_mode = true}),
       max_pool_case("max_pool_3d_unequal", {5, 6, 7, 5},
                     {.kernel = {3, 2, 3}, .stride = {2, 1, 2}, .padding = Padding::sides({2, 1, 0}, {0, 0, 1})}),
       max_pool_case("max_pool_3d_planes", {4, 5, 6, 3}, {.kernel = {1, 2, 2}}),
       max_pool_case("max_pool_3d_across", {5, 3, 4, 3}, {.kernel = {2, 1, 1}, .stride = 1}),
       avg_pool_case("avg_pool_3d", {4, 5, 6, 3}, {.kernel = 2}),
       avg_pool_case("avg_pool_3d_padded", {5, 6, 7, 3}, {.kernel = 3, .stride = 2, .padding = 1}),
       avg_pool_case("avg_pool_3d_ceil", {6, 5, 7, 3}, {.kernel = 3, .stride = 2, .padding = 1, .ceil_mode = true}),
       avg_pool_case("avg_pool_3d_ceil_exclude_pad", {6, 5, 7, 3},
                     {.kernel = 3, .stride = 2, .padding = 1, .ceil_mode = true, .count_include_pad = false}),
       avg_pool_case("avg_pool_3d_one_plane", {1, 4, 5, 3}, {.kernel = {3, 2, 2}, .padding = {1, 0, 0}}),
       avg_pool_case("avg_pool_3d_same", {5, 4, 7, 3},
                     {.kernel = 3, .stride = 2, .padding = Padding::same(), .count_include_pad = false}),
       layer("global_avg_pool_3d", {3, 4, 5, 3}, global_avg_pool),
       layer("global_max_pool_3d", {3, 4, 5, 3}, global_max_pool, Draw::distinct()),
       adaptive_case("adaptive_avg_pool_3d", {5, 4, 7, 3}, {2, 4, 3}),
       layer("relu_3d", {3, 4, 5, 3}, relu, Draw::off_zero()),
       layer("batch_norm_3d", {3, 4, 5, 3}, norm),
       training(layer("batch_norm_3d_training", {3, 4, 5, 3}, norm)),
       training(layer("dropout_3d_training", {3, 4, 5, 3}, [](Value x) { return dropout(x, 0.4); })),
       layer("flatten_3d", {2, 3, 4, 5}, flatten),
       layer("dense_3d", {2, 3, 4, 7}, fully)});
}

void add_transposed(std::vector<OpCase>& cases) {
  cases.insert(
      cases.end(),
      {convt_case("convt", {5, 6, 3}, {.filters = 4, .kernel = 3}),
       convt_case("convt_stride", {5, 6, 3},
                  {.filters = 4, .kernel = 3, .stride = 2, .padding = 1, .output_padding = 1, .bias = false}),
       convt_case("convt_unequal", {3, 4, 3},
                  {.filters = 9, .kernel = {3, 2}, .stride = {2, 3}, .padding = {1, 0}, .output_padding = {0, 2}}),
       convt_case("convt_sides", {4, 5, 3}, {.filters = 4, .kernel = 3, .stride = 2, .padding = {1, 0, 0, 2}}),
       convt_case("convt_dilation", {5, 4, 3},
                  {.filters = 5, .kernel = 3, .padding = 2, .output_padding = {1, 2}, .dilation = {2, 3}}),
       convt_case("convt_groups", {3, 4, 6}, {.filters = 9, .kernel = 3, .stride = 2, .groups = 3}),
       convt_case("convt_groups_of_4", {5, 6, 12}, {.filters = 12, .kernel = 3, .padding = 1, .groups = 3}),
       convt_case("convt_depthwise", {5, 6, 19},
                  {.filters = 19, .kernel = 3, .stride = 2, .padding = 1, .output_padding = 1, .groups = 19}),
       convt_case("convt_gaps", {2, 3, 3}, {.filters = 17, .kernel = {2, 1}, .stride = 3, .output_padding = 2}),
       convt_case("convt_gaps_depthwise", {4, 5, 3}, {.filters = 3, .kernel = 2, .stride = 3, .groups = 3}),
       convt_case("convt_wide_padding", {7, 6, 3}, {.filters = 4, .kernel = 2, .padding = 2}),
       convt_case("convt_one_pixel", {1, 1, 7}, {.filters = 5, .kernel = 4}),
       convt_case("convt_direct", {9, 8, 6}, {.filters = 3, .kernel = 5, .padding = 2}),
       tolerance(1e-5, convt_case("convt_winograd", {13, 11, 35}, {.filters = 19, .kernel = 3, .padding = 1})),
       speed(convt_case("convt_unet", {28, 28, 64}, {.filters = 32, .kernel = 2, .stride = 2})),
       convt_case("convt_1d", {7, 3},
                  {.filters = 4, .kernel = 4, .stride = 3, .padding = 1, .output_padding = 2, .dilation = 2}),
       convt_case("convt_3d", {2, 3, 2, 3},
                  {.filters = 4, .kernel = 3, .stride = 2, .padding = 1, .output_padding = 1}),
       convt_case("convt_3d_options", {2, 3, 4, 6},
                  {.filters = 4,
                   .kernel = {1, 2, 3},
                   .stride = {2, 3, 1},
                   .padding = {0, 1, 1},
                   .output_padding = {1, 0, 0},
                   .dilation = {1, 1, 2},
                   .groups = 2}),
       fused_case(
           "fused_convt", {5, 6, 7},
           [](Value x) {
             return conv_transpose(Scope(x.graph()) / "convt", x, {.filters = 19, .kernel = 2, .stride = 3});
           },
           [](Value x) { return tanh(x); }),
       layer("fused_convt_relu", {5, 6, 7}, [](Value x) {
         return relu(conv_transpose(Scope(x.graph()) / "convt", x, {.filters = 6, .kernel = 3, .stride = 2}));
       })});
}

}  // namespace

std::vector<OpCase> rank_op_cases() {
  std::vector<OpCase> cases;
  add_sequences(cases);
  add_volumes(cases);
  add_transposed(cases);
  return cases;
}

}  // namespace fovea::testing
