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
std::shared_ptr<const Op> make_adaptive_avg_pool(AttributeReader& attributes);
std::shared_ptr<const Op> make_add(AttributeReader& attributes);
std::shared_ptr<const Op> make_avg_pool(AttributeReader& attributes);
std::shared_ptr<const Op> make_batch_norm(AttributeReader& attributes);
std::shared_ptr<const Op> make_concatenate(AttributeReader& attributes);
std::shared_ptr<const Op> make_conv(AttributeReader& attributes);
std::shared_ptr<const Op> make_conv_transpose(AttributeReader& attributes);
std::shared_ptr<const Op> make_cross_entropy(AttributeReader& attributes);
std::shared_ptr<const Op> make_dense(AttributeReader& attributes);
std::shared_ptr<const Op> make_dropout(AttributeReader& attributes);
std::shared_ptr<const Op> make_elu(AttributeReader& attributes);
std::shared_ptr<const Op> make_flatten(AttributeReader& attributes);
std::shared_ptr<const Op> make_gelu(AttributeReader& attributes);
std::shared_ptr<const Op> make_global_avg_pool(AttributeReader& attributes);
std::shared_ptr<const Op> make_global_max_pool(AttributeReader& attributes);
std::shared_ptr<const Op> make_hard_sigmoid(AttributeReader& attributes);
std::shared_ptr<const Op> make_hard_swish(AttributeReader& attributes);
std::shared_ptr<const Op> make_layer_norm(AttributeReader& attributes);
std::shared_ptr<const Op> make_leaky_relu(AttributeReader& attributes);
std::shared_ptr<const Op> make_log_softmax(AttributeReader& attributes);
std::shared_ptr<const Op> make_max_pool(AttributeReader& attributes);
std::shared_ptr<const Op> make_mse(AttributeReader& attributes);
std::shared_ptr<const Op> make_multiply(AttributeReader& attributes);
std::shared_ptr<const Op> make_relu(AttributeReader& attributes);
std::shared_ptr<const Op> make_relu6(AttributeReader& attributes);
std::shared_ptr<const Op> make_scale(AttributeReader& attributes);
std::shared_ptr<const Op> make_sigmoid(AttributeReader& attributes);
std::shared_ptr<const Op> make_silu(AttributeReader& attributes);
std::shared_ptr<const Op> make_softmax(AttributeReader& attributes);
std::shared_ptr<const Op> make_stochastic_depth(AttributeReader& attributes);
std::shared_ptr<const Op> make_tanh(AttributeReader& attributes);

}  // namespace fovea
