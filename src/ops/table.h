#pragma once

#include <memory>
#include <string_view>

#include "fovea/op.h"
#include "ops/attributes.h"

namespace fovea {

// One row of the list of all ops: the type's name and how to rebuild it from its attributes.
struct OpEntry {
  std::string_view type;
  std::shared_ptr<const Op> (*make)(AttributeReader& attributes);
};

// Defined beside each op, listed in table.cpp.
std::shared_ptr<const Op> make_abs(AttributeReader& attributes);
std::shared_ptr<const Op> make_adaptive_avg_pool(AttributeReader& attributes);
std::shared_ptr<const Op> make_add(AttributeReader& attributes);
std::shared_ptr<const Op> make_avg_pool(AttributeReader& attributes);
std::shared_ptr<const Op> make_batch_norm(AttributeReader& attributes);
std::shared_ptr<const Op> make_clip(AttributeReader& attributes);
std::shared_ptr<const Op> make_concatenate(AttributeReader& attributes);
std::shared_ptr<const Op> make_conv(AttributeReader& attributes);
std::shared_ptr<const Op> make_conv_transpose(AttributeReader& attributes);
std::shared_ptr<const Op> make_cross_entropy(AttributeReader& attributes);
std::shared_ptr<const Op> make_dense(AttributeReader& attributes);
std::shared_ptr<const Op> make_depth_to_space(AttributeReader& attributes);
std::shared_ptr<const Op> make_divide(AttributeReader& attributes);
std::shared_ptr<const Op> make_dropout(AttributeReader& attributes);
std::shared_ptr<const Op> make_elu(AttributeReader& attributes);
std::shared_ptr<const Op> make_exp(AttributeReader& attributes);
std::shared_ptr<const Op> make_flatten(AttributeReader& attributes);
std::shared_ptr<const Op> make_gelu(AttributeReader& attributes);
std::shared_ptr<const Op> make_global_avg_pool(AttributeReader& attributes);
std::shared_ptr<const Op> make_global_max_pool(AttributeReader& attributes);
std::shared_ptr<const Op> make_group_norm(AttributeReader& attributes);
std::shared_ptr<const Op> make_hard_sigmoid(AttributeReader& attributes);
std::shared_ptr<const Op> make_hard_swish(AttributeReader& attributes);
std::shared_ptr<const Op> make_hinge(AttributeReader& attributes);
std::shared_ptr<const Op> make_layer_norm(AttributeReader& attributes);
std::shared_ptr<const Op> make_leaky_relu(AttributeReader& attributes);
std::shared_ptr<const Op> make_local_response_norm(AttributeReader& attributes);
std::shared_ptr<const Op> make_log(AttributeReader& attributes);
std::shared_ptr<const Op> make_log_softmax(AttributeReader& attributes);
std::shared_ptr<const Op> make_max_pool(AttributeReader& attributes);
std::shared_ptr<const Op> make_maximum(AttributeReader& attributes);
std::shared_ptr<const Op> make_minimum(AttributeReader& attributes);
std::shared_ptr<const Op> make_mish(AttributeReader& attributes);
std::shared_ptr<const Op> make_mse(AttributeReader& attributes);
std::shared_ptr<const Op> make_multiply(AttributeReader& attributes);
std::shared_ptr<const Op> make_negate(AttributeReader& attributes);
std::shared_ptr<const Op> make_pad(AttributeReader& attributes);
std::shared_ptr<const Op> make_power(AttributeReader& attributes);
std::shared_ptr<const Op> make_prelu(AttributeReader& attributes);
std::shared_ptr<const Op> make_reduce_max(AttributeReader& attributes);
std::shared_ptr<const Op> make_reduce_mean(AttributeReader& attributes);
std::shared_ptr<const Op> make_reduce_min(AttributeReader& attributes);
std::shared_ptr<const Op> make_reduce_sum(AttributeReader& attributes);
std::shared_ptr<const Op> make_relu(AttributeReader& attributes);
std::shared_ptr<const Op> make_relu6(AttributeReader& attributes);
std::shared_ptr<const Op> make_reshape(AttributeReader& attributes);
std::shared_ptr<const Op> make_resize(AttributeReader& attributes);
std::shared_ptr<const Op> make_scale(AttributeReader& attributes);
std::shared_ptr<const Op> make_selu(AttributeReader& attributes);
std::shared_ptr<const Op> make_sigmoid(AttributeReader& attributes);
std::shared_ptr<const Op> make_silu(AttributeReader& attributes);
std::shared_ptr<const Op> make_slice(AttributeReader& attributes);
std::shared_ptr<const Op> make_smooth_abs(AttributeReader& attributes);
std::shared_ptr<const Op> make_soft_cross_entropy(AttributeReader& attributes);
std::shared_ptr<const Op> make_softmax(AttributeReader& attributes);
std::shared_ptr<const Op> make_softplus(AttributeReader& attributes);
std::shared_ptr<const Op> make_space_to_depth(AttributeReader& attributes);
std::shared_ptr<const Op> make_spatial_dropout(AttributeReader& attributes);
std::shared_ptr<const Op> make_sqrt(AttributeReader& attributes);
std::shared_ptr<const Op> make_stochastic_depth(AttributeReader& attributes);
std::shared_ptr<const Op> make_subtract(AttributeReader& attributes);
std::shared_ptr<const Op> make_tanh(AttributeReader& attributes);
std::shared_ptr<const Op> make_transpose(AttributeReader& attributes);
std::shared_ptr<const Op> make_weighted_sum(AttributeReader& attributes);

}  // namespace fovea
