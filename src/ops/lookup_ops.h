#pragma once

#include <memory>

#include "ops/attributes.h"

namespace fovea {

// The ops of fovea/lookup_ops.h, for table.cpp.
std::shared_ptr<const Op> make_arg_max(AttributeReader& attributes);
std::shared_ptr<const Op> make_gather(AttributeReader& attributes);
std::shared_ptr<const Op> make_grid_sample(AttributeReader& attributes);
std::shared_ptr<const Op> make_matrix_product(AttributeReader& attributes);
std::shared_ptr<const Op> make_parameter(AttributeReader& attributes);
std::shared_ptr<const Op> make_round(AttributeReader& attributes);

}  // namespace fovea
