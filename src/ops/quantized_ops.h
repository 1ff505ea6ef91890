#pragma once

#include <memory>

#include "fovea/dtype.h"
#include "ops/attributes.h"

namespace fovea {

// The ops of fovea/quantized_ops.h, for table.cpp.
std::shared_ptr<const Op> make_add_dequantized(AttributeReader& attributes);
std::shared_ptr<const Op> make_dequantize(AttributeReader& attributes);
std::shared_ptr<const Op> make_quantize(AttributeReader& attributes);
std::shared_ptr<const Op> make_quantized_conv(AttributeReader& attributes);
std::shared_ptr<const Op> make_quantized_dense(AttributeReader& attributes);

// Of which type a file keeps the op's parameter `index`: whole weights as i8, all else as f32.
DType stored_type(const Op& op, size_t index);

}  // namespace fovea
