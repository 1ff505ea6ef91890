#include "ops/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/suggest.h"
#include "fovea/error.h"

namespace fovea {

namespace {

constexpr std::array ops = {
    OpEntry{"adaptive_avg_pool", make_adaptive_avg_pool},
    OpEntry{"add", make_add},
    OpEntry{"avg_pool", make_avg_pool},
    OpEntry{"batch_norm", make_batch_norm},
    OpEntry{"concatenate", make_concatenate},
    OpEntry{"conv", make_conv},
    OpEntry{"conv_transpose", make_conv_transpose},
    OpEntry{"cross_entropy", make_cross_entropy},
    OpEntry{"dense", make_dense},
    OpEntry{"dropout", make_dropout},
    OpEntry{"elu", make_elu},
    OpEntry{"flatten", make_flatten},
    OpEntry{"gelu", make_gelu},
    OpEntry{"global_avg_pool", make_global_avg_pool},
    OpEntry{"global_max_pool", make_global_max_pool},
    OpEntry{"hard_sigmoid", make_hard_sigmoid},
    OpEntry{"hard_swish", make_hard_swish},
    OpEntry{"layer_norm", make_layer_norm},
    OpEntry{"leaky_relu", make_leaky_relu},
    OpEntry{"log_softmax", make_log_softmax},
    OpEntry{"max_pool", make_max_pool},
    OpEntry{"mse", make_mse},
    OpEntry{"multiply", make_multiply},
    OpEntry{"relu", make_relu},
    OpEntry{"relu6", make_relu6},
    OpEntry{"scale", make_scale},
    OpEntry{"sigmoid", make_sigmoid},
    OpEntry{"silu", make_silu},
    OpEntry{"softmax", make_softmax},
    OpEntry{"stochastic_depth", make_stochastic_depth},
    OpEntry{"tanh", make_tanh},
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
