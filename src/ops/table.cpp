#include "ops/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/suggest.h"
#include "fovea/error.h"
#include "ops/lookup_ops.h"
#include "ops/quantized_ops.h"

namespace fovea {

namespace {

constexpr std::array ops = {
    OpEntry{"abs", make_abs},
    OpEntry{"adaptive_avg_pool", make_adaptive_avg_pool},
    OpEntry{"add", make_add},
    OpEntry{"add_dequantized", make_add_dequantized},
    OpEntry{"arg_max", make_arg_max},
    OpEntry{"avg_pool", make_avg_pool},
    OpEntry{"batch_norm", make_batch_norm},
    OpEntry{"clip", make_clip},
    OpEntry{"concatenate", make_concatenate},
    OpEntry{"conv", make_conv},
    OpEntry{"conv_transpose", make_conv_transpose},
    OpEntry{"cross_entropy", make_cross_entropy},
    OpEntry{"dense", make_dense},
    OpEntry{"depth_to_space", make_depth_to_space},
    OpEntry{"dequantize", make_dequantize},
    OpEntry{"divide", make_divide},
    OpEntry{"dropout", make_dropout},
    OpEntry{"elu", make_elu},
    OpEntry{"exp", make_exp},
    OpEntry{"flatten", make_flatten},
    OpEntry{"gather", make_gather},
    OpEntry{"gelu", make_gelu},
    OpEntry{"global_avg_pool", make_global_avg_pool},
    OpEntry{"global_max_pool", make_global_max_pool},
    OpEntry{"grid_sample", make_grid_sample},
    OpEntry{"group_norm", make_group_norm},
    OpEntry{"hard_sigmoid", make_hard_sigmoid},
    OpEntry{"hard_swish", make_hard_swish},
    OpEntry{"hinge", make_hinge},
    OpEntry{"layer_norm", make_layer_norm},
    OpEntry{"leaky_relu", make_leaky_relu},
    OpEntry{"local_response_norm", make_local_response_norm},
    OpEntry{"log", make_log},
    OpEntry{"log_softmax", make_log_softmax},
    OpEntry{"matrix_product", make_matrix_product},
    OpEntry{"max_pool", make_max_pool},
    OpEntry{"maximum", make_maximum},
    OpEntry{"minimum", make_minimum},
    OpEntry{"mish", make_mish},
    OpEntry{"mse", make_mse},
    OpEntry{"multiply", make_multiply},
    OpEntry{"negate", make_negate},
    OpEntry{"pad", make_pad},
    OpEntry{"parameter", make_parameter},
    OpEntry{"power", make_power},
    OpEntry{"prelu", make_prelu},
    OpEntry{"quantize", make_quantize},
    OpEntry{"quantized_conv", make_quantized_conv},
    OpEntry{"quantized_dense", make_quantized_dense},
    OpEntry{"reduce_max", make_reduce_max},
    OpEntry{"reduce_mean", make_reduce_mean},
    OpEntry{"reduce_min", make_reduce_min},
    OpEntry{"reduce_sum", make_reduce_sum},
    OpEntry{"relu", make_relu},
    OpEntry{"relu6", make_relu6},
    OpEntry{"reshape", make_reshape},
    OpEntry{"resize", make_resize},
    OpEntry{"round", make_round},
    OpEntry{"scale", make_scale},
    OpEntry{"selu", make_selu},
    OpEntry{"sigmoid", make_sigmoid},
    OpEntry{"silu", make_silu},
    OpEntry{"slice", make_slice},
    OpEntry{"smooth_abs", make_smooth_abs},
    OpEntry{"soft_cross_entropy", make_soft_cross_entropy},
    OpEntry{"softmax", make_softmax},
    OpEntry{"softplus", make_softplus},
    OpEntry{"space_to_depth", make_space_to_depth},
    OpEntry{"spatial_dropout", make_spatial_dropout},
    OpEntry{"sqrt", make_sqrt},
    OpEntry{"stochastic_depth", make_stochastic_depth},
    OpEntry{"subtract", make_subtract},
    OpEntry{"tanh", make_tanh},
    OpEntry{"transpose", make_transpose},
    OpEntry{"weighted_sum", make_weighted_sum},
};

}  // namespace

std::shared_ptr<const Op> make_op(std::string_view type, const Attributes& attributes) {
  const auto entry = std::ranges::find(ops, type, &OpEntry::type);
  if (entry == ops.end()) {
    std::vector<std::string> names(ops.size());
    std::ranges::transform(ops, names.begin(), [](const OpEntry& op) { return std::string(op.type); });
    throw Error(ErrorKind::format, fmt::format("unknown op '{}'{}", type, did_you_mean(type, names)));
  }
  AttributeReader reader(attributes);
  std::shared_ptr<const Op> op = entry->make(reader);
  reader.finish();
  return op;
}

std::vector<std::string_view> op_types() {
  std::vector<std::string_view> types;
  for (const OpEntry& op : ops) types.push_back(op.type);
  return types;
}

}  // namespace fovea
